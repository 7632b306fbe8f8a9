"""The API keys: read from a file, and looked for in constant time. Only their digests are kept.

A line of the file is a key, or a name and a key; an empty line, or one that begins with `#`, is none. The names are
for the log. Several keys may have one name, as while one takes the other's place.
"""

import hashlib
import hmac
import re
from pathlib import Path

from nerve.service.settings import StartError

SHORTEST_KEY = 16

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[!-~]+")


class Keys:
    """The names of the keys by their digests. Without any, everybody may ask everything."""

    def __init__(self, names: dict[bytes, str]) -> None:
        self._names = names

    def __bool__(self) -> bool:
        return bool(self._names)

    def name(self, key: bytes) -> str | None:
        """The name of a key that is in the file. Each is compared, and each to its end, so that the time tells
        nothing of how near a guess comes."""
        digest = hashlib.sha256(key).digest()
        found = None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def read_keys(file: str) -> Keys:
    """The keys in `file`; none if that is empty. Raises StartError, which names the line and never what it holds."""
    if not file:
        return Keys({})
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StartError(f"the API keys in {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StartError(f"the API keys in {file} cannot be read: not UTF-8") from None
    names: dict[bytes, str] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        key = words[-1]
        name = words[0] if len(words) == 2 else f"line-{number}"
        if len(words) > 2:
            fact = "more than a name and a key"
        elif not _NAME.fullmatch(name):
            fact = "the name may have letters, digits, '.', '_' and '-' only, and 64 of them"
        elif not _KEY.fullmatch(key):
            fact = "the key may have visible ASCII characters only"
        elif len(key) < SHORTEST_KEY:
            fact = f"the key is shorter than {SHORTEST_KEY} characters"
        elif (digest := hashlib.sha256(key.encode()).digest()) in names:
            fact = "the key stands there twice"
        else:
            names[digest] = name
            continue
        raise StartError(f"{file}:{number}: {fact}")
    if not names:
        raise StartError(f"{file} holds no API key")
    return Keys(names)

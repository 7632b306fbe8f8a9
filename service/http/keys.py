"""The API keys: read from a file, compared in constant time. Only their digests are kept.

A line of the file is a key, or a name and a key; empty lines and lines that begin with `#` are ignored. The names are
for the log. Several keys may have one name, for example while a new key replaces an old one.
"""

import hashlib
import hmac
import logging
import re
from pathlib import Path

from nerve.service.settings import StartError

log = logging.getLogger(__name__)

SHORTEST_KEY = 16

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[!-~]+")


class Keys:
    """The names of the keys, by the digests of the keys. Without any key, no request needs one."""

    def __init__(self, names: dict[bytes, str]) -> None:
        """Take the names by the SHA-256 digests of their keys."""
        self._names = names

    def __bool__(self) -> bool:
        """Say whether there are any keys."""
        return bool(self._names)

    def name(self, key: bytes) -> str | None:
        """Return the name of a key, or None if it is unknown.

        It is compared with all known keys, to their ends, so that the time says nothing of how close a guess is.
        """
        digest = hashlib.sha256(key).digest()
        found = None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def read_keys(file: str) -> Keys:
    """Return the keys in `file`, or no keys if `file` is the empty string.

    Raises:
        StartError: The file cannot be read, or a line is wrong. The error names the line, never its content.
    """
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
        try:
            name, digest = _name_and_digest(words, number)
            if digest in names:
                raise ValueError("the key is in the file twice")
        except ValueError as fact:
            raise StartError(f"{file}:{number}: {fact}") from None
        names[digest] = name
    if not names:
        raise StartError(f"there is no API key in {file}")
    return Keys(names)


def _name_and_digest(words: list[str], number: int) -> tuple[str, bytes]:
    """Return the name and the digest of the key in a line, or raise ValueError with what is wrong with the line."""
    if len(words) > 2:
        raise ValueError("there is more than a name and a key")
    key = words[-1]
    name = words[0] if len(words) == 2 else f"line-{number}"
    if not _NAME.fullmatch(name):
        raise ValueError("the name may have letters, digits, '.', '_' and '-' only, at most 64")
    if not _KEY.fullmatch(key):
        raise ValueError("the key may have visible ASCII characters only")
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"the key is shorter than {SHORTEST_KEY} characters")
    return name, hashlib.sha256(key.encode()).digest()


def reread_keys(keys: Keys, file: str) -> Keys:
    """The keys that are in `file` now, or `keys` where it cannot be read; which of the two is in the log."""
    if not file:
        return keys
    try:
        keys = read_keys(file)
        log.info("the API keys were read again")
    except StartError as error:
        log.error("the API keys stay as they were: %s", error)
    return keys

"""URL, EMAIL and IP. Their patterns never go back over what they have read, so the time is linear in the text.

A word here is of a script that puts spaces between words: in 请写信给ann@example.org谢谢 the address is ASCII.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from nerve.patterns.found import CERTAIN, LIKELY, Found

_LETTER = r"[^\W\u2e80-\U0010ffff]"  # or a digit, or an underscore
_REST = r"[^\s\x00-\x1f<>\"`«»\u2000-\U0010ffff]*+"  # of a URL
# Case is spelled out: without it, `k` would be the sign of the kelvin, which is not of a URL.
_URL = re.compile(
    rf"(?:(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{{1,30}}+://|(?<![A-Za-z0-9@._/-])[Ww]{{3}}\.)(?=\w){_REST}"
)
_HOST = re.compile(r"(?<![A-Za-z0-9@._/-])[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+)++(?![\w@])")
_PATH = re.compile(rf"(?::[0-9]{{1,5}}+)?(?:[/?#]{_REST})?")
_DOMAINS = frozenset(["com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "io", "ai", "app", "dev"])
_SECOND_DOMAINS = frozenset(["ac", "co", "com", "edu", "gov", "net", "or", "org"])

_EMAIL = re.compile(
    rf"(?<!{_LETTER}){_LETTER}(?:{_LETTER}|[.%+&'-]){{0,63}}+@"
    rf"((?:{_LETTER}|-){{1,63}}+(?:\.(?:{_LETTER}|-){{1,63}}+)++)"
)

_IP = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}+:){2,7}+[0-9A-Fa-f.]{0,15}+(?![\w:])|"
    r"(?<![\w.])[0-9]{1,3}+(?:\.[0-9]{1,3}+){3}+(?!\w|\.\w)"
)


def urls(text: str) -> Iterator[Found]:
    """URLs with any scheme, hosts that begin with `www.`, and hosts in a domain that is well known.

    What closes a sentence or a bracket behind a URL is not part of it.
    """
    reached = 0
    for url in _URL.finditer(text):
        yield from _hosts(text, reached, url.start())
        reached = url.start() + len(_without_closing(url[0]))
        yield Found(url.start(), reached, CERTAIN)
    yield from _hosts(text, reached, len(text))


def _hosts(text: str, start: int, end: int) -> Iterator[Found]:
    """Hosts without a scheme in a part of a text, with what follows them."""
    while host := _HOST.search(text, start, end):
        start = host.end()
        if _is_well_known(host[0]):
            path = _PATH.match(text, start, end)
            start += len(_without_closing(path[0])) if path else 0
            yield Found(host.start(), start, LIKELY)


def _is_well_known(host: str) -> bool:
    *_, second, first = host.split(".")
    return first in _DOMAINS or (
        len(first) == 2 and first.isalpha() and first.islower() and second in _SECOND_DOMAINS
    )


def _without_closing(url: str) -> str:
    """A URL without the punctuation at its end; a bracket stays if it was opened in the URL."""
    surplus = {close: url.count(close) - url.count(opening) for opening, close in ("()", "[]", "{}")}
    end = len(url)
    while end and (url[end - 1] in ".,;:!?'*_~|" or surplus.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in surplus:
            surplus[url[end]] -= 1
    return url[:end]


def emails(text: str) -> Iterator[Found]:
    """Addresses with a domain of two parts or more, the last one of letters."""
    for address in _EMAIL.finditer(text) if "@" in text else ():
        domain = address[1].rstrip("-")
        last = domain.rpartition(".")[2]
        if len(last) > 1 and (last.isalpha() or last.lower().startswith("xn--")):
            yield Found(address.start(), address.start(1) + len(domain), CERTAIN)


def ip_addresses(text: str) -> Iterator[Found]:
    """Addresses of both versions, without a port or the length of a prefix; `::` alone is punctuation."""
    for address in _IP.finditer(text):
        written = address[0].rstrip(".")
        try:
            version = ip_address(written).version
        except ValueError:
            continue
        if any(map(str.isdecimal, written)):
            yield Found(address.start(), address.start() + len(written), LIKELY if version == 4 else CERTAIN)

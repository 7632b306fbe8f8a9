"""PHONE: telephone numbers, with the numbering plans of all countries from phonenumbers (Google's libphonenumber).

The library's own search of a text gives up after so many numbers that are none, and takes a number without its trunk
prefix in the groups of another. So the candidates are found here, and the library judges each: three times at most
for each country, and never more than 15 digits.
"""

import re
from collections.abc import Iterator, Sequence

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from nerve.patterns.found import LIKELY, POSSIBLE, Found

_JOINT = r"(?:[ ][/\u2013-][ ]|[ \u00a0./\u2010-\u2013-]\(?|\)[ \u00a0./\u2010-\u2013-]?|\()"
# Groups of digits behind no word and no amount. A longer row of numbers is read in several pieces.
_ROW = re.compile(rf"(?<![\w$€£¥+])(?<![0-9][.,:])(?:\(?\+[ ]?|\()?[0-9]++(?:{_JOINT}[0-9]++){{0,12}}+")
_GROUP = re.compile(r"[0-9]++")
_DATE = re.compile(
    r"(?:[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2}(?:[0-9]{2})?|[0-9]{4}([./-])[0-9]{1,2}\2[0-9]{1,2})(?![./-]?[0-9])"
)

_FEWEST_DIGITS = 7
_MOST_DIGITS = 15  # of E.164
_ATTEMPTS = 3


def phones(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """Telephone numbers with their country code, behind + or 00, and those of `regions` without it.

    What follows a number after a space may be another number, so the last groups need not belong to it.
    """
    position = 0
    while row := _ROW.search(text, position):
        position = row.end()
        if date := _DATE.match(text, row.start()):
            position = date.end()
        elif found := _number(text, row, regions):
            position = found.end
            yield found


def _number(text: str, row: re.Match[str], regions: Sequence[str]) -> Found | None:
    """The number that begins a row of groups of digits, if one does."""
    digits, ends = 0, []
    most = _MOST_DIGITS + len("00") if row[0].startswith("00") else _MOST_DIGITS
    for group in _GROUP.finditer(text, *row.span()):
        digits += len(group[0])
        if digits > most:
            break
        if digits >= _FEWEST_DIGITS and not text[group.end() : group.end() + 1].isalpha():
            ends.append(group.end())
    for end in ends[: -_ATTEMPTS - 1 : -1]:
        start = row.start() + (text[row.start()] == "(" and ")" not in text[row.start() : end])
        written = text[start:end]
        if "+" in written or written.startswith("00"):
            if _is_international(written):
                return Found(start, end, LIKELY)
        elif any(_is_national(written, region) for region in regions):
            return Found(start, end, POSSIBLE)
    return None


def _is_international(written: str) -> bool:
    try:
        number = phonenumbers.parse(written if "+" in written else f"+{written[2:]}")
    except NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def _is_national(written: str, region: str) -> bool:
    """Whether this is a number of a region, written as there: with the trunk prefix where the plan has one.

    With a trunk prefix that is 0 the groups may be any; else they are those of the plan, or one.
    """
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        return False
    if not phonenumbers.is_valid_number(number):
        return False
    planned = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    digits, edges = _shape(written)
    planned_digits, planned_edges = _shape(planned)
    prefix = digits.removesuffix(planned_digits)
    if len(prefix) + len(planned_digits) != len(digits):
        return False
    if prefix and prefix != phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True):
        return False
    return digits.startswith("0") or edges <= {0, len(prefix)} | {len(prefix) + edge for edge in planned_edges}


def _shape(written: str) -> tuple[str, set[int]]:
    """The digits of a number, and how many come before each place where they are set apart."""
    groups = _GROUP.findall(written)
    edges, count = set(), 0
    for group in groups[:-1]:
        count += len(group)
        edges.add(count)
    return "".join(groups), edges

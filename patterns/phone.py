"""PHONE: telephone numbers, with the numbering plans of all countries from phonenumbers (Google's libphonenumber).

The library's own search of a text gives up after so many numbers that are none, and takes a number without its trunk
prefix in the groups of another. So the candidates are found here, and the library judges each of them: never more
than 15 digits, and of those that begin at one place no more than three.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from nerve.patterns.found import LIKELY, POSSIBLE, Found

_JOINT = r"(?:[ ][/\u2013-][ ]|[ \u00a0./\u2010-\u2013-]\(?|\)[ \u00a0./\u2010-\u2013-]?|\()"
# Groups of digits behind no word and no amount. Bounded, because each group is tried as the first one of a number.
_ROW = re.compile(rf"(?<![\w$€£¥+])(?<![0-9][.,:])(?:\(?\+[ ]?|\()?(?P<first>[0-9]++)(?:{_JOINT}[0-9]++){{0,12}}+")
_GROUP = re.compile(r"[0-9]++")
_DATE = re.compile(
    r"(?:[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2}(?:[0-9]{2})?|[0-9]{4}([./-])[0-9]{1,2}\2[0-9]{1,2})(?![./-]?[0-9])"
)

_FEWEST_DIGITS = 7
_MOST_DIGITS = 15  # of E.164
_ATTEMPTS = 3


def phones(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """Telephone numbers with their country code, behind + or 00, and those of `regions` without it.

    Other numbers may stand before and behind a number, with a space between: any group may be its first or its last.

    Raises:
        ValueError: one of `regions` is none.
    """
    plans = [plan(region) for region in regions]
    position = 0
    while row := _ROW.search(text, position):
        if date := _DATE.match(text, row.start()):
            position = date.end()
        elif found := _number(text, row, plans):
            position = found.end
            yield found
        else:
            position = row.end("first")


class Plan(NamedTuple):
    """What tells quickly that digits are no number of a region."""

    region: str
    trunk: str
    """the digits before a number inside of the region, such as 0"""
    needed: bool
    """whether no number is written without them"""
    pattern: re.Pattern[str]
    """of the digits behind them"""

    def allows(self, digits: str) -> bool:
        """Whether these digits may be a number of the region."""
        if self.trunk and digits.startswith(self.trunk) and self.pattern.fullmatch(digits, len(self.trunk)):
            return True
        return not self.needed and self.pattern.fullmatch(digits) is not None


@cache
def plan(region: str) -> Plan:
    """The plan of a region. Raises ValueError if the library knows none."""
    known = PhoneMetadata.metadata_for_region(region)
    if known is None or known.general_desc is None or known.general_desc.national_number_pattern is None:
        raise ValueError(f"{region!r} is not a region with telephone numbers, such as US or GB")
    trunk = known.national_prefix or ""
    rules = [(form.national_prefix_formatting_rule or "").replace("\\1", "") for form in known.number_format]
    needed = bool(trunk and rules) and all(trunk in rule for rule in rules)
    return Plan(region, trunk, needed, re.compile(known.general_desc.national_number_pattern))


def _number(text: str, row: re.Match[str], plans: Sequence[Plan]) -> Found | None:
    """The number that begins with the first group of a row, if one does; the longest of several."""
    international = "+" in row[0] or row[0].startswith("00")
    most = _MOST_DIGITS + len("00") if row[0].startswith("00") else _MOST_DIGITS
    digits, ends = "", []
    for group in _GROUP.finditer(text, *row.span()):
        digits += group[0]
        if len(digits) > most:
            break
        if len(digits) >= _FEWEST_DIGITS and not text[group.end() : group.end() + 1].isalpha():
            possible = [plan.region for plan in plans if plan.allows(digits)]
            if international or possible:
                ends.append((group.end(), possible))
    for end, possible in ends[: -_ATTEMPTS - 1 : -1]:
        start = row.start() + (text[row.start()] == "(" and ")" not in text[row.start() : end])
        written = text[start:end]
        if international and _is_international(written):
            return Found(start, end, LIKELY)
        if not international and any(_is_national(written, region) for region in possible):
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

    Behind a trunk prefix that is 0 the groups may be any, but the 0 is not set apart, as it is in a table of numbers;
    else the groups are those of the plan, or one.
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
    if digits.startswith("0"):
        return 1 not in edges or written.startswith("(")
    return edges <= {len(prefix)} | {len(prefix) + edge for edge in planned_edges}


def _shape(written: str) -> tuple[str, set[int]]:
    """The digits of a number, and how many come before each place where they are set apart."""
    groups = _GROUP.findall(written)
    edges, count = set(), 0
    for group in groups[:-1]:
        count += len(group)
        edges.add(count)
    return "".join(groups), edges

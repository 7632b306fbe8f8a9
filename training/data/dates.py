"""Where English tokens hold a date in full: `two days ago`, `next week`, `March 3rd`, `05/12/2024`, `end of July`.

The rule `dates` of guideline.py calls it. The patterns read the tokens joined by spaces and match whole tokens only.
They are made to be right where they match, not to find every date: a bare `1999` or `March` is left to the corpora.
"""

import re
from collections.abc import Sequence
from itertools import accumulate


def whole(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """The tokens, first to last + 1, of each expression that is certainly a date; none overlap, longer ones win."""
    return _matches(_WHOLE, tokens)


def doubtful(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Expressions of which corpora disagree whether they are dates: `a year`, `three-day`, `20 years old`, `winter`.

    As in `whole`, they are given by their tokens and do not overlap.
    """
    return _matches(_DOUBTFUL, tokens)


def is_clock(words: str) -> bool:
    """Whether the words are a time of day, or a stretch of hours or less, which are no dates."""
    return bool(_CLOCK.search(words))


def is_dated(words: str) -> bool:
    """Whether the words have something of a date in them: a day, month, season, year, era or feast."""
    return bool(_DATED.search(words))


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?:\ ?\.)?)"
)
_WEEKDAY = _any("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_SEASON = "(?i:spring|summer|autumn|winter)"
_YEAR = r"(?:1\d{3}|20\d\d)"
_DAY = r"(?:[0-2]?\d|3[01])(?:st|nd|rd|th)?"
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|(?i:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty-first))"
)
_NUMBER = (
    r"(?:\d[\d,.]*|(?i:(?:a\ )?(?:few|couple\ of|dozen)|several|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|(?:twenty|thirty|forty|fifty|sixty)\S*"
    r"))(?:\ (?:hundred|thousand|million|billion))?"
)
_UNIT = "(?i:day|week|weekend|month|year|decade|century)"
_UNITS = "(?i:days?|weeks?|weekends?|months?|years?|decades?|century|centuries)"
_PART = r"(?:(?i:early|late|mid)(?:\ -\ |\ |-))"
_RELATIVE = rf"(?i:last|next|this|past|previous)\ (?:(?:{_NUMBER}\ )?{_UNITS}|{_SEASON}|{_MONTH}|{_WEEKDAY})"
_DATE = (
    rf"(?:{_WEEKDAY}\ (?:,\ )?)?"
    rf"(?:{_MONTH}\ {_DAY}(?:\ (?:,\ )?{_YEAR})?|{_DAY}\ (?:of\ )?{_MONTH}(?:\ (?:,\ )?{_YEAR})?)"
)
_RANGE = r"\ (?:-|–|to|and)\ "

_WHOLE = [
    _DATE,
    rf"{_MONTH}\ {_DAY}{_RANGE}{_DAY}(?:\ (?:,\ )?{_YEAR})?",
    rf"{_DAY}{_RANGE}{_DAY}\ {_MONTH}(?:\ (?:,\ )?{_YEAR})?",
    rf"(?:{_MONTH}{_RANGE})?{_PART}?(?:{_MONTH}|{_SEASON})\ (?:of\ |,\ )?{_YEAR}",
    r"\d{4}-\d\d?-\d\d?",
    r"(?:[0-2]?\d|3[01])([/.])\d\d?\1(?:\d\d){1,2}",
    rf"{_WEEKDAY}(?:\ (?i:morning|afternoon|evening|night))?",
    _RELATIVE,
    rf"{_PART}{_MONTH}",
    rf"(?:{_NUMBER}\ (?:-|–|to|or)\ )?{_NUMBER}\ {_UNITS}(?:\ (?i:ago|later|earlier))?(?!\ (?:-\ )?old)",
    rf"(?i:a|an|half\ a)\ {_UNIT}\ (?i:ago|later|earlier)",
    rf"{_PART}?\d{{3}}0s",
    rf"{_PART}{_YEAR}",
    rf"{_PART}?{_ORDINAL}(?:{_RANGE}{_ORDINAL})?(?:\ -\ |\ |-)(?i:century|centuries|millennium)(?:\ (?:BCE?|AD|CE))?",
    rf"(?i:end|beginning|start|middle|turn)\ of\ (?:(?i:the)\ {_UNIT}|{_RELATIVE}|{_MONTH}(?:\ {_YEAR})?|{_YEAR})",
    rf"(?i:first|second|third|fourth)\ (?i:quarter|half)\ of\ (?:(?i:the)\ {_UNIT}|{_RELATIVE}|{_YEAR})",
    rf"(?i:each|every)\ (?:{_UNIT}|{_WEEKDAY})",
    r"(?i:yesterday|today|tomorrow)",
]
_DOUBTFUL = [
    rf"(?i:a|that|same|following|recent|coming|final|first)\ {_UNITS}",
    rf"\S+-{_UNIT}(?:-\S+)?",
    rf"{_NUMBER}\ -\ {_UNIT}(?:\ -\ old)?",
    rf"{_NUMBER}\ {_UNITS}\ (?:-\ )?old",
    rf"{_ORDINAL}\ (?i:quarter|half)",
    _SEASON,
    r"(?i:tonight)",
]
_CLOCK = re.compile(r"(?i)\b(?:hours?|minutes?|seconds?|noon|midnight|o'clock|[ap]\.?m\.?|GMT|UTC)(?!\w)|\d:\d\d")
_DATED = re.compile(
    rf"(?:{_MONTH}|{_WEEKDAY}|{_SEASON}|\d{{3,4}}|'?\d0s|\b(?:{_UNITS}|(?i:yesterday|today|tomorrow|tonight)"
    r"|(?i:period|era|age|ages|millennium|dynasty|BCE?|AD|season|christmas|easter|ramadan|thanksgiving|renaissance"
    r"|antiquity)|\w+(?:cene|zoic)|\d\d?(?:st|nd|rd|th))\b)"
)


def _matches(patterns: list[str], tokens: Sequence[str]) -> list[tuple[int, int]]:
    text = " ".join(tokens)
    begins = dict(
        zip(accumulate((len(token) + 1 for token in tokens), initial=0), range(len(tokens) + 1), strict=True)
    )
    found = {
        (match.start(), match.end() + 1)
        for pattern in patterns
        for match in re.finditer(rf"(?<!\S){pattern}(?!\S)", text)
    }
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda edges: (edges[0] - edges[1], edges)):
        if all(end <= other or end_of_other <= start for other, end_of_other in kept):
            kept.append((start, end))
    return sorted((begins[start], begins[end]) for start, end in kept)

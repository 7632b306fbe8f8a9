"""Made-up Chinese sentences with known names: those of today, and those that a lexicon or a generator gives.

`recipes.chinese` calls it. A file of templates has lists of names and sentences with places for them:

| place | name |
|---|---|
| {p}, {r}, {j} | a person, a transcribed name (`埃隆·马斯克`), a Japanese one |
| {e}, {u} | a person in Latin letters, a surname |
| {o}, {g}, {a} | an organisation, one in Latin letters, a news agency |
| {m}, {f} | an organ of state (`美国国会`, `外交部`), a party or an alliance (`北约`) |
| {k} | a team (`中国队`) |
| {l}, {c}, {s} | a place, a country, the character that stands for one (`中美`) |
| {t}, {d}, {x}, {n} | a title, a day, a thing, a number: no names |

Nothing here is true: only where a name begins and ends, and of which kind it is.
"""

import random
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from nerve.model.annotation import Span
from recipes.templates import written

DOTS = "····••・‧．"
"""What stands between the parts of a transcribed name, the usual dot most often."""

_LABELS = {**dict.fromkeys("prjeu", "PER"), **dict.fromkeys("ogamfk", "ORG"), **dict.fromkeys("lcs", "LOC")}
_LISTS = {
    "e": "latin_people",
    "g": "latin_organisations",
    "a": "agencies",
    "f": "alliances",
    "c": "countries",
    "s": "abbreviations",
    "t": "titles",
    "d": "days",
    "x": "objects",
}
_PLACE = re.compile(r"\{([a-z])\}")


class Templates:
    """The sentences of a file of templates, filled at random.

    Args:
        path: The file, TOML.
        organisations: More names of organisations.
        places: More names of places.
        seed: Of the choices.
    """

    def __init__(self, path: Path, organisations: Sequence[str], places: Sequence[str], seed: int) -> None:
        lists: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._random = random.Random(seed)
        self._lists = {
            name: lists[name].replace("\n", "|").strip("|").split("|") if "|" in lists[name] else lists[name].split()
            for name in lists
            if name not in ("sentences", "surnames", "given")
        }
        self._sentences = lists["sentences"].strip().split("\n")
        self._surnames = [*lists["surnames"].replace("\n", "")]
        self._given = [*lists["given"].replace("\n", "")]
        self._more = {"organisations": organisations, "places": places}

    def sentence(self) -> tuple[str, list[Span]]:
        """A sentence and its names, as spans of its code points."""
        pieces = _PLACE.split(self._random.choice(self._sentences))  # text and places in turn
        line = written(
            [(self._filled(one), _LABELS.get(one, "")) if n % 2 else (one, "") for n, one in enumerate(pieces)]
        )
        return line.text, [Span(*name) for name in line.label]

    def name(self, label: str) -> str:
        """A name with this label."""
        kind = {"PER": "pppr", "ORG": "ooog", "LOC": "l"}[label]
        return self._filled(self._random.choice(kind))

    def _filled(self, place: str) -> str:
        choose: Callable[[Sequence[str]], str] = self._random.choice
        match place:
            case "p":
                return self._person()
            case "r":
                return self._transcribed()
            case "j":
                return choose(self._lists["japanese_surnames"]) + choose(self._lists["japanese_given"])
            case "o":
                return self._organisation()
            case "l":
                return self._place()
            case "u":
                return choose(self._surnames)
            case "m":
                return self._organ()
            case "k":
                return choose((*self._lists["countries"], self._place())) + choose(self._lists["teams"])
            case "n":
                return str(self._random.randint(2, 99))
            case _:
                return choose(self._lists[_LISTS[place]])

    def _person(self) -> str:
        chance = self._random.random()
        if chance < 0.3:
            return self._random.choice(self._lists["people"])
        if chance < 0.45:
            return self._transcribed()
        given = self._random.choices(self._given, k=1 if self._random.random() < 0.3 else 2)
        surname: str = self._random.choice(self._surnames)
        return surname + "".join(given)

    def _transcribed(self) -> str:
        if self._random.random() < 0.4:
            name = self._random.choice(self._lists["transcribed"])
        else:
            parts = [
                "".join(self._random.choices(self._lists["transcription"], k=self._random.choice((2, 2, 3, 3, 4))))
                for _ in range(self._random.choice((1, 1, 2, 2, 3)))
            ]
            name = "·".join(parts)
        return name.replace("·", self._random.choice(DOTS))

    def _organisation(self) -> str:
        chance = self._random.random()
        if chance < 0.4:
            return self._random.choice(self._lists["organisations"])
        if chance < 0.6 and self._more["organisations"]:
            return self._random.choice(self._more["organisations"])
        pattern = self._random.choice(self._lists["organisation_patterns"])
        return pattern.replace("{l}", self._place()).replace("{w}", self._random.choice(self._lists["words"]))

    def _organ(self) -> str:
        """An organ of state, alone or behind a country, for which its character may stand."""
        of = self._random.choice(("", "", "countries", "countries", "countries", "abbreviations"))
        country = self._random.choice(self._lists[of]) if of else ""
        return country + self._random.choice(self._lists["organs"])

    def _place(self) -> str:
        if self._more["places"] and self._random.random() < 0.3:
            return self._random.choice(self._more["places"])
        return self._random.choice(self._lists["places"])

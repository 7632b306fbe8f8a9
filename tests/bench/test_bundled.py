"""The sets that `bench.bundled` scores, the taggers beside nerve, and that the documents say what was measured."""

from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import pytest

from bench import bundled, pipelines, tables
from bench.bundled import Tagger
from bench.comparison import Text
from nerve.model.annotation import Span
from nerve.training.data import datasets
from tests.support.documents import ROOT

ANN = Text("Ann saw the Acme.", (Span(0, 3, "PER"), Span(12, 16, "ORG")), ())


def tagger(*spans: Span, trained_on: Iterable[str] = ()) -> Tagger:
    """A tagger that finds these spans in every text."""
    return Tagger({"trained_on": list(trained_on)}, lambda texts: [list(spans) for _ in texts])


# -- sets ------------------------------------------------------------------------------------------------------------


def test_every_set_of_the_plan_is_a_split_of_a_known_corpus() -> None:
    for test_set in bundled.plan():
        assert test_set.split in datasets.splits(test_set.dataset)


def test_every_set_maps_its_labels_to_those_scored_or_to_none() -> None:
    for test_set in bundled.plan():
        assert set(test_set.map.values()) <= {*test_set.labels, "O", "?"}, test_set.dataset


@pytest.mark.parametrize(
    ("split", "trained_on", "seen"),
    [
        ("test", ["wnut17"], "train"),
        ("dev", ["wnut17"], "train; this split chose the epoch"),
        ("test", ["gmb"], "nothing"),
    ],
)
def test_a_row_says_what_the_training_saw_of_the_corpus(split: str, trained_on: list[str], seen: str) -> None:
    test_set = bundled.TestSet("wnut17", split, "tweets")
    assert bundled.measured(test_set, [ANN], "nerve", tagger(trained_on=trained_on))["seen"] == seen


def test_a_row_has_the_figures_with_and_without_trimmed_spans() -> None:
    row = bundled.measured(bundled.TestSet("wnut17", "test", "tweets"), [ANN], "other", tagger(Span(8, 16, "ORG")))
    assert (row["precision"], row["recall"], row["names"]) == (100, 50, 2)
    assert row["exact_f1"] == 0


def test_the_bundled_model_reads_texts_and_names_the_corpora_it_was_trained_on() -> None:
    english = bundled.nerve("en")
    assert english.read(["Tim Cook flew to Paris.", "nothing"]) == [[Span(0, 8, "PER"), Span(17, 22, "LOC")], []]
    assert {"gmb", "uner_en_ewt", "wnut17"} <= set(english.about["trained_on"])


# -- spaCy's pipelines -----------------------------------------------------------------------------------------------


class Nlp:
    """What `names` uses of spaCy's `Language`: texts in, documents with entities out."""

    def pipe(self, texts: Iterable[str], batch_size: int) -> Iterator[SimpleNamespace]:
        assert batch_size == pipelines.BATCH
        found = (("Ann", "PERSON"), ("Bonn", "GPE"), ("Monday", "DATE"), ("Louvre", "FAC"))
        for text in texts:
            yield SimpleNamespace(
                ents=[
                    SimpleNamespace(start_char=text.index(name), end_char=text.index(name) + len(name), label_=label)
                    for name, label in found
                    if name in text
                ]
            )


def test_labels_of_a_pipeline_become_ours_and_others_are_dropped() -> None:
    got = list(pipelines.names(Nlp(), ["Ann left Bonn on Monday.", "The Louvre"]))
    assert got == [[Span(0, 3, "PER"), Span(9, 13, "LOC")], [Span(4, 10, "LOC")]]


def test_a_pipeline_that_is_not_installed_is_left_out_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = pipelines.Pipeline("spaCy xy", ("no_such_pipeline",), "python -m spacy download xy")
    monkeypatch.setattr(pipelines, "PIPELINES", (missing,))
    assert pipelines.installed() == {}
    assert capsys.readouterr().err == "spaCy xy is not installed and is left out: python -m spacy download xy\n"


# -- documents -------------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_results_say() -> None:
    section = "\n".join(tables.beside(tables.read(tables.BUNDLED)))
    assert section in (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def test_the_short_table_says_what_the_results_say() -> None:
    lines = tables.short(tables.read(tables.BUNDLED), tables.read(tables.PEERS))
    assert tables.SUMMARY.read_text(encoding="utf-8") == "\n".join(lines) + "\n"


def test_a_tagger_that_was_not_measured_has_cells_that_say_so() -> None:
    bundled_results = tables.read(tables.BUNDLED)
    peers = tables.read(tables.PEERS)
    without = {**peers, "rows": [row for row in peers["rows"] if row["tagger"] != "spaCy md"]}
    speeds = [line for line in tables.short(bundled_results, without) if line.startswith("| tokens/s")]
    assert len(speeds) == 2
    assert all(line.count("not measured") == 1 for line in speeds)

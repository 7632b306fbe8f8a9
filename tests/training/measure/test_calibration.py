"""Confidence against what came out: the definitions on outcomes made by hand, and the temperature that mends it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from nerve.model.annotation import Span
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import Vocabulary
from nerve.training.data.annotated import Annotated
from nerve.training.data.batches import shuffled
from nerve.training.data.corpora import Corpus
from nerve.training.measure import calibration
from nerve.training.measure.calibration import Outcome, above, bins, expected_error, loss, outcomes
from tests.support.toy_corpus import archive_of, corpus, tiny_tagger, tiny_trainer


def of(confidence: float, right: int, wrong: int = 0) -> list[Outcome]:
    return [Outcome(confidence, True)] * right + [Outcome(confidence, False)] * wrong


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ([], 0.0),
        (of(0.75, 3, 1), 0.0),
        (of(1.0, 4), 0.0),
        (of(1.0, 0, 4), 1.0),
        (of(0.5, 1), 0.5),
        (of(0.95, 1, 1) + of(0.15, 0, 2), (2 * 0.45 + 2 * 0.15) / 4),
        # Within a bin, too sure and not sure enough cancel.
        (of(0.82, 1) + of(0.88, 0, 0) + of(0.88, 1) + of(0.82, 0, 0), 0.15),
    ],
)
def test_the_expected_error_is_the_mean_gap_of_the_bins(found: list[Outcome], error: float) -> None:
    assert expected_error(found) == pytest.approx(error)


@pytest.mark.parametrize(("confidence", "place"), [(0.0, 0), (0.0999, 0), (0.1, 1), (0.95, 9), (1.0, 9)])
def test_a_name_falls_into_the_bin_of_its_confidence(confidence: float, place: int) -> None:
    assert [one.count for one in bins(of(confidence, 1))] == [int(n == place) for n in range(calibration.BINS)]


def test_above_a_score_are_the_share_that_is_right_and_what_is_kept_of_the_right_ones() -> None:
    found = of(0.9, 3, 1) + of(0.5, 3)
    assert above(found, 0.9) == (0.75, 0.5)
    assert above(found, 0.95) == (0.0, 0.0)


def test_the_loss_is_the_mean_surprise() -> None:
    assert loss(of(0.5, 1, 1)) == pytest.approx(0.6931, abs=1e-4)
    assert loss(of(1.0, 1)) == 0.0
    assert loss(of(1.0, 0, 1)) < 100  # certain and wrong: much, not everything


class Said:
    """Stands for an archive: it decodes each sentence so."""

    def __init__(self, *decoded: tuple[tuple[str, ...], tuple[float, ...]]) -> None:
        self.decoded = list(decoded)

    def decode(self, _: Sequence[Sequence[str]]) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
        return self.decoded


def test_outcomes_are_the_names_that_the_corpus_can_judge() -> None:
    whole = Annotated(tuple("abcdef"), (Span(0, 2, "PER"),), (Span(4, 5, "?"),))
    short = Annotated(("g", "h"), (Span(0, 2, "PER"),), ())
    said = Said(
        (("B-PER", "I-PER", "B-PER", "B-LOC", "B-PER", "O"), (0.0, 0.9, 0.6, 0.5, 0.4, 0.0)),
        (("B-PER", "O"), (0.3, 0.0)),  # other boundaries are wrong
    )
    found = outcomes(said, Corpus("one", "", ("PER",), {"dev": (whole, short)}), "dev")  # type: ignore[arg-type]
    assert found == [Outcome(0.9, True), Outcome(0.6, False), Outcome(0.3, False)]


@pytest.fixture(scope="module")
def trained() -> tuple[Tagger, Vocabulary]:
    """A tagger that finds names, and errs."""
    torch.manual_seed(1)
    tagger, vocabulary, examples = tiny_tagger()
    trainer = tiny_trainer(tagger, 60)
    for seed in range(8):
        for batch in shuffled(examples, 4, seed):
            trainer.step(batch)
    return tagger.eval(), vocabulary


def test_an_outcome_is_right_if_gold_has_the_name(trained: tuple[Tagger, Vocabulary]) -> None:
    archive, source = archive_of(*trained), corpus()
    found = outcomes(archive, source, "dev")
    gold = sum(len(one.spans) for one in source.splits["dev"])
    assert 0 < sum(one.right for one in found) <= gold
    assert all(0.0 < one.confidence <= 1.0 for one in found)


@pytest.mark.parametrize("factor", [0.6, 1.7])
def test_the_temperature_undoes_a_factor_on_all_scores(trained: tuple[Tagger, Vocabulary], factor: float) -> None:
    tagger, vocabulary = trained
    archive, source = archive_of(tagger, vocabulary), corpus()
    first = calibration.fit_temperature(tagger, archive, [source])
    least = loss(outcomes(archive, source, "dev"))
    tagger.scale_by_temperature(factor)
    assert loss(outcomes(archive, source, "dev")) > least
    again = calibration.fit_temperature(tagger, archive, [source])
    assert loss(outcomes(archive, source, "dev")) == pytest.approx(least, abs=1e-3)
    if calibration.LEAST * 1.1 < first < calibration.MOST / 1.1:
        assert again * factor == pytest.approx(1.0, rel=0.06)


def test_the_temperature_changes_no_tag(trained: tuple[Tagger, Vocabulary]) -> None:
    tagger, vocabulary = deepcopy(trained[0]), trained[1]
    archive, source = archive_of(tagger, vocabulary), corpus()
    sentences = [one.tokens for one in source.splits["dev"]]
    tagger.scale_by_temperature(0.5)  # far from the temperature that is found
    before = archive.tags(sentences)
    assert calibration.fit_temperature(tagger, archive, [source]) > 1
    assert archive.tags(sentences) == before


def test_each_corpus_counts_alike_however_large(trained: tuple[Tagger, Vocabulary]) -> None:
    source = corpus()
    spoilt = tuple(replace(one, spans=one.spans[n % 4 == 0 :]) for n, one in enumerate(source.splits["dev"]))
    other = replace(source, splits={"dev": spoilt})
    many = replace(source, splits={"dev": source.splits["dev"] * 4})

    def temperature(*sources: Corpus) -> float:
        tagger = deepcopy(trained[0])
        return calibration.fit_temperature(tagger, archive_of(tagger, trained[1]), sources)

    both = temperature(source, other)
    assert temperature(source) < both < temperature(other) < calibration.MOST / 1.1
    assert temperature(many, other) == pytest.approx(both)


def test_without_a_name_on_dev_the_temperature_is_1(trained: tuple[Tagger, Vocabulary]) -> None:
    tagger, vocabulary = trained
    before = tagger.emission.weight.clone()
    source = corpus()
    del source.splits["dev"]
    assert calibration.fit_temperature(tagger, archive_of(tagger, vocabulary), [source]) == 1.0
    assert torch.allclose(tagger.emission.weight, before, rtol=1e-5)

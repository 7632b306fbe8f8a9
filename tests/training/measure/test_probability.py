"""The probability of an annotation, against the definition: the share of all tag sequences that agree with it."""

from itertools import pairwise, product

import pytest
import torch

from nerve.model.annotation import Span
from nerve.model.archive import Archive
from nerve.model.batch import collate
from nerve.model.tags import may_follow, spans_of
from nerve.training.measure.probability import exactly, no_name, probabilities
from tests.support.toy_corpus import archive_of, tiny_tagger

TOKENS = ("Anna", "visited", "New", "York")


@pytest.fixture(scope="module")
def archive() -> Archive:
    torch.manual_seed(3)
    tagger, vocabulary, _ = tiny_tagger()
    with torch.no_grad():
        tagger.emission.weight.mul_(8)
        for parameter in tagger.crf.parameters():
            parameter.normal_()
    return archive_of(tagger.eval(), vocabulary)


def sequences(archive: Archive) -> dict[tuple[str, ...], float]:
    """Every valid tag sequence of TOKENS with its probability, each scored by itself."""
    tags = archive.metadata.tags
    batch = collate([archive.vocabulary.ids(TOKENS)])
    crf = archive.tagger.crf  # type: ignore[attr-defined]
    with torch.no_grad():
        emissions = archive.tagger.emissions(batch.features, batch.characters, batch.tokens, batch.lengths)[0]
    weights = {}
    for ids in product(range(len(tags)), repeat=len(TOKENS)):
        chosen = tuple(tags[n] for n in ids)
        if all(may_follow(one, other) for one, other in zip(("O", *chosen), chosen, strict=False)):
            score = crf.start[ids[0]] + crf.end[ids[-1]] + sum(emissions[t, n] for t, n in enumerate(ids))
            score = score + sum(crf.transitions[one, other] for one, other in pairwise(ids))
            weights[chosen] = float(score.detach().double().exp())
    total = sum(weights.values())
    return {chosen: weight / total for chosen, weight in weights.items()}


@pytest.mark.parametrize("span", [Span(0, 1, "PER"), Span(2, 4, "LOC"), Span(2, 3, "ORG"), Span(0, 4, "PER")])
def test_a_name_is_as_probable_as_all_tag_sequences_that_hold_exactly_it(archive: Archive, span: Span) -> None:
    expected = sum(share for tags, share in sequences(archive).items() if span in spans_of(tags))
    asked = (TOKENS, exactly(span, len(TOKENS), archive.metadata.tags))
    # A longer sentence beside it, so that there is padding.
    longer = (TOKENS * 2, exactly(span, 2 * len(TOKENS), archive.metadata.tags))
    assert probabilities(archive, [asked, longer])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("span", [Span(0, 1, "PER"), Span(1, 4, "LOC")])
def test_no_name_is_as_probable_as_all_tag_sequences_without_one_at_its_tokens(archive: Archive, span: Span) -> None:
    every = sequences(archive).items()
    expected = sum(share for tags, share in every if set(tags[span.start : span.end]) == {"O"})
    asked = (TOKENS, no_name(span, len(TOKENS), archive.metadata.tags))
    assert probabilities(archive, [asked]) == [pytest.approx(expected, abs=1e-6)]


def test_nothing_asked_is_nothing_answered(archive: Archive) -> None:
    assert probabilities(archive, []) == []

"""How uncertain a tagger is of texts: the entropy of their sentences by the definition, for the work they are."""

import pytest
import torch

from nerve.model.archive import Archive
from nerve.model.crf import CRF
from nerve.model.recognizer import MAX_WINDOW, Recognizer
from nerve.model.tokenizer import sentences
from nerve.training.measure.probability import crf_of
from nerve.training.suggest.entropy import token_entropies
from nerve.training.suggest.uncertainty import OVERHEAD, uncertainties
from tests.support.toy_corpus import archive_of, tiny_tagger

SENTENCES = ("Anna visited Paris.", "Yesterday Acme Corp hired Boris in New York.")


@pytest.fixture(scope="module")
def archive() -> Archive:
    torch.manual_seed(3)
    tagger, vocabulary, _ = tiny_tagger()
    with torch.no_grad():
        for parameter in tagger.crf.parameters():
            parameter.normal_()
    return archive_of(tagger.eval(), vocabulary)


@pytest.fixture(scope="module")
def crf(archive: Archive) -> CRF:
    return crf_of(archive)


def entropy(archive: Archive, crf: CRF, sentence: str) -> tuple[float, int]:
    """Of one sentence alone, and its tokens."""
    (tokens,) = sentences(sentence)
    with torch.inference_mode():
        emissions, lengths = archive.emissions([tokens.words])
        return float(token_entropies(emissions, crf.scores(), lengths).sum()), len(tokens)


def test_a_text_has_the_entropy_of_its_sentences_divided_by_its_tokens_and_the_overhead(
    archive: Archive, crf: CRF
) -> None:
    (one, first), (other, second) = (entropy(archive, crf, sentence) for sentence in SENTENCES)
    texts = [" ".join(SENTENCES), *SENTENCES]
    found = uncertainties(Recognizer(archive), crf, [sentences(text) for text in texts])
    work = (first + second + OVERHEAD, first + OVERHEAD, second + OVERHEAD)
    assert found == pytest.approx([(one + other) / work[0], one / work[1], other / work[2]])
    assert min(found) > 0


def test_the_length_of_long_texts_does_not_count(archive: Archive, crf: CRF) -> None:
    texts = [sentences(" ".join([SENTENCES[0]] * times)) for times in (200, 400)]
    shorter, longer = uncertainties(Recognizer(archive), crf, texts)
    assert longer == pytest.approx(shorter, rel=0.02)


def test_a_short_text_is_not_the_most_uncertain_because_it_is_short(archive: Archive, crf: CRF) -> None:
    heading, prose = uncertainties(Recognizer(archive), crf, [sentences("Paris"), sentences(SENTENCES[1])])
    assert heading < prose


def test_tokens_in_two_windows_of_a_long_sentence_count_once(archive: Archive, crf: CRF) -> None:
    long = " ".join(["Anna visited"] * MAX_WINDOW)
    whole, tokens = entropy(archive, crf, long)
    (found,) = uncertainties(Recognizer(archive), crf, [sentences(long)])
    assert found == pytest.approx(whole / (tokens + OVERHEAD), rel=1e-3)


def test_a_text_without_tokens_is_not_uncertain(archive: Archive, crf: CRF) -> None:
    assert uncertainties(Recognizer(archive), crf, [sentences("  "), sentences("")]) == [0.0, 0.0]

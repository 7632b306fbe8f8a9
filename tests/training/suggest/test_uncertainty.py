"""How uncertain a tagger is of texts: the entropy of their sentences by the definition, for each token."""

import pytest
import torch

from nerve.model.archive import Archive
from nerve.model.crf import CRF
from nerve.model.recognizer import MAX_WINDOW, Recognizer
from nerve.model.tokenizer import sentences
from nerve.training.measure.probability import crf_of
from nerve.training.suggest.entropy import token_entropies
from nerve.training.suggest.uncertainty import uncertainties
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
        emissions, lengths = archive.emissions([archive.vocabulary.ids([token.text for token in tokens])])
        return float(token_entropies(emissions, crf.scores(), lengths).sum()), len(tokens)


def test_a_text_has_the_entropy_of_its_sentences_divided_by_its_tokens(archive: Archive, crf: CRF) -> None:
    (one, first), (other, second) = (entropy(archive, crf, sentence) for sentence in SENTENCES)
    texts = [" ".join(SENTENCES), *SENTENCES]
    found = uncertainties(Recognizer(archive), crf, [sentences(text) for text in texts])
    assert found == pytest.approx([(one + other) / (first + second), one / first, other / second])
    assert min(found) > 0


def test_a_text_twice_as_long_is_not_more_uncertain_for_it(archive: Archive, crf: CRF) -> None:
    texts = [sentences(text) for text in (SENTENCES[0], " ".join([SENTENCES[0]] * 20))]
    once, often = uncertainties(Recognizer(archive), crf, texts)
    assert often == pytest.approx(once)


def test_tokens_in_two_windows_of_a_long_sentence_count_once(archive: Archive, crf: CRF) -> None:
    long = " ".join(["Anna visited"] * MAX_WINDOW)
    whole, tokens = entropy(archive, crf, long)
    (found,) = uncertainties(Recognizer(archive), crf, [sentences(long)])
    assert found == pytest.approx(whole / tokens, rel=1e-3)


def test_a_text_without_tokens_is_not_uncertain(archive: Archive, crf: CRF) -> None:
    assert uncertainties(Recognizer(archive), crf, [sentences("  "), sentences("")]) == [0.0, 0.0]

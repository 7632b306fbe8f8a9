"""Texts through the bundled model: what it has to find, with offsets, and that it is the model its card describes.

Only names that any good tagger finds stand here, so that a retrained model passes too.
"""

from dataclasses import replace

import pytest

from nerve.model.archive import fast_form, load
from nerve.model.recognizer import Recognizer
from tests.support import ROOT

MODEL = ROOT / "models" / "en.pt"

GOLDEN = [
    (
        "Tim Cook, chief executive of Apple, flew from Cupertino to Paris on Monday.",
        [("Tim Cook", "PER"), ("Apple", "ORG"), ("Cupertino", "LOC"), ("Paris", "LOC"), ("Monday", "DATE")],
    ),
    ("The Iraqi government said Tuesday.", [("Iraqi", "MISC"), ("Tuesday", "DATE")]),
    ("Barack Obama was born in Hawaii.", [("Barack Obama", "PER"), ("Hawaii", "LOC")]),
    (
        "The United Nations met in New York on September 11, 2001.",
        [("United Nations", "ORG"), ("New York", "LOC"), ("September 11, 2001", "DATE")],
    ),
    (
        "Ursula von der Leyen met reporters from Reuters in Brussels.",
        [("Ursula von der Leyen", "PER"), ("Reuters", "ORG"), ("Brussels", "LOC")],
    ),
    ("🍎👩‍👩‍👧 Barack Obama\r\nwas born in Hawaii.", [("Barack Obama", "PER"), ("Hawaii", "LOC")]),
    ("He lives in Sa\u0303o Paulo.", [("Sa\u0303o Paulo", "LOC")]),
    ("Nothing to see here.", []),
    ("", []),
    (" \n\t ", []),
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(load(MODEL))


@pytest.mark.parametrize(("text", "names"), GOLDEN)
def test_the_bundled_model_finds_the_names(recognizer: Recognizer, text: str, names: list[tuple[str, str]]) -> None:
    (found,) = recognizer.recognize([text])
    assert [(entity.text, entity.label) for entity in found] == names
    assert all(text[entity.start : entity.end] == entity.text for entity in found)
    assert all(0.0 < entity.score <= 1.0 for entity in found)


def test_a_text_is_answered_alike_alone_and_among_others(recognizer: Recognizer) -> None:
    texts = [text for text, _ in GOLDEN]
    together = recognizer.recognize(texts)
    for text, entities in zip(texts, together, strict=True):
        (alone,) = recognizer.recognize([text])
        assert [(one.start, one.end, one.label) for one in alone] == [(e.start, e.end, e.label) for e in entities]
        assert all(abs(one.score - other.score) < 1e-5 for one, other in zip(alone, entities, strict=True))


def test_arranged_for_a_gpu_it_finds_the_same_in_texts_and_in_documents(recognizer: Recognizer) -> None:
    archive = recognizer.archive
    form = fast_form(archive.tagger, archive.vocabulary, archive.metadata, "cpu", gpu=True)
    arranged = Recognizer(replace(archive, fast=form))
    texts = [text for text, _ in GOLDEN]
    texts.append(" ".join(texts * 2))  # its words recur, so that sentences are tagged again
    for entities, expected in zip(arranged.recognize(texts), recognizer.recognize(texts), strict=True):
        assert [(one.start, one.end, one.label) for one in entities] == [(e.start, e.end, e.label) for e in expected]
        assert [one.score for one in entities] == pytest.approx([one.score for one in expected], abs=1e-5)


def test_a_long_document_has_the_entities_of_its_sentences(recognizer: Recognizer) -> None:
    sentences = [text for text, names in GOLDEN if names and text.endswith(".") and "\n" not in text]
    document = " ".join(sentences * 40)
    (found,) = recognizer.recognize([document])
    alone = [(e.text, e.label) for entities in recognizer.recognize(sentences) for e in entities]
    assert [(entity.text, entity.label) for entity in found] == alone * 40


def test_the_bundled_archive_passes_its_self_check_and_its_limits(recognizer: Recognizer) -> None:
    recognizer.archive.self_check()
    assert recognizer.archive.metadata.examples
    assert set(recognizer.labels) == {"PER", "ORG", "LOC", "MISC", "DATE"}
    assert MODEL.stat().st_size <= 25_000_000


def test_the_card_states_the_scores_that_the_archive_carries(recognizer: Recognizer) -> None:
    card = MODEL.with_suffix(".md").read_text(encoding="utf-8")
    metadata = recognizer.archive.metadata
    assert f"Licence of the weights: {metadata.licence}" in card
    for name, scores in metadata.scores.items():
        assert f"| {name} | {scores['precision']:.2f} | {scores['recall']:.2f} | **{scores['f1']:.2f}** |" in card

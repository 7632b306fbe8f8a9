"""`nerve.load("auto")`: all bundled models as one tagger, of which each sentence has the one for its language."""

import pytest

import nerve
from nerve.model.bundled import NAMES, available
from nerve.model.languages import Language

ALONE = {
    "en": "Angela Merkel met Tim Cook in Paris. Cook left for London.",
    "zh": "李明在北京工作。华为公司的总部在深圳。",
    "multi": "Angela Merkel ist nicht mehr in Berlin. Sie wohnt in Hamburg.",
}
MIXED = (
    "Tim Cook was in Paris. 李明在北京工作。 Angela Merkel ist nicht mehr in Berlin. 서울에서 만났다. "
    "Cook left for London."
)


@pytest.fixture(scope="module")
def auto() -> nerve.Tagger:
    return nerve.load("auto")


@pytest.fixture(scope="module")
def alone() -> dict[str, nerve.Tagger]:
    return {name: nerve.load(name) for name in available()}


def test_it_says_what_it_is(auto: nerve.Tagger, alone: dict[str, nerve.Tagger]) -> None:
    assert auto.name == "auto"
    assert auto.labels == tuple(sorted({label for tagger in alone.values() for label in tagger.labels}))
    assert auto.card == {name: tagger.card for name, tagger in alone.items()}
    assert tuple(auto.card) == NAMES


def test_a_text_in_one_language_has_the_answer_of_its_model(
    auto: nerve.Tagger, alone: dict[str, nerve.Tagger]
) -> None:
    for (name, text), result in zip(ALONE.items(), auto.pipe(ALONE.values()), strict=True):
        assert list(result) == list(alone[name](text)), name
        assert list(result), name


def test_each_sentence_of_a_text_has_the_model_for_its_language(auto: nerve.Tagger) -> None:
    found = [(entity.text, entity.label) for entity in auto(MIXED)]
    english = [("Tim Cook", "PER"), ("Paris", "LOC")], [("Cook", "PER"), ("London", "LOC")]
    assert found == [
        *english[0],
        ("李明", "PER"),
        ("北京", "LOC"),
        ("Angela Merkel", "PER"),
        ("Berlin", "LOC"),
        *english[1],
    ]
    assert all(MIXED[entity.start : entity.end] == entity.text for entity in auto(MIXED))


def test_sentences_share_evidence_across_those_of_another_language(
    auto: nerve.Tagger, alone: dict[str, nerve.Tagger]
) -> None:
    first, second = "Paris Hilton met us. ", " Then Paris spoke."
    together = [(entity.text, entity.score) for entity in alone["en"](first + second)]
    assert [(one.text, one.score) for one in auto(f"{first}他今天不在家。{second}")] == together
    assert [(one.text, one.score) for one in auto(f"{first}他今天不在家。{second}", context=False)] != together


def test_tokens_have_the_model_for_their_language(auto: nerve.Tagger) -> None:
    result = auto(tokens=[["Tim", "Cook", "is", "in", "Paris", "."], list("李明在北京。")])
    assert [(entity.text, entity.label) for entity in result] == [
        ("Tim Cook", "PER"),
        ("Paris", "LOC"),
        ("李 明", "PER"),
        ("北 京", "LOC"),
    ]


def test_the_language_is_that_of_the_model_which_suits_the_text(auto: nerve.Tagger) -> None:
    assert auto.language(ALONE["zh"]) == Language("zh", "Han", supported=True)
    assert auto.language(ALONE["multi"]) == Language("de", "Latin", supported=True)
    assert auto.language("서울에서 만났다.") == Language("ko", "Hangul", supported=False)


def test_labels_of_any_model_may_be_asked_for(auto: nerve.Tagger) -> None:
    assert {entity.label for entity in auto(MIXED, labels=["PER"])} == {"PER"}
    with pytest.raises(ValueError, match="auto has no label 'GPE'; its labels are "):
        auto(MIXED, labels=["GPE"])

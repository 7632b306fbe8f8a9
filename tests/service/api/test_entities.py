"""What `POST /v1/entities` can be asked besides entities of a text: tokens in and out, sentences, other names for
labels, phrases of the client's own, a model by script."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from nerve.model.annotation import Entity
from tests.support.fakes import CapitalisedWords, FakeTagging, FakeWindow, served

Serve = Callable[..., Any]
URL = "/v1/entities"


def asked(client: httpx.Client, **request: Any) -> Any:
    answer = client.post(URL, json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(client: httpx.Client, **request: Any) -> tuple[int, str]:
    answer = client.post(URL, json=request)
    return answer.status_code, answer.json()["error"]["message"]


# -- tokens in -------------------------------------------------------------------------------------------------------


def test_tokens_are_answered_with_indices_of_tokens_and_offsets_in_their_text(client: httpx.Client) -> None:
    assert asked(client, tokens=["yesterday", "Ann", "😀", "met", "BOB"], offset_unit="utf16") == {
        "text": "yesterday Ann 😀 met BOB",
        "ents": [
            {"start": 10, "end": 13, "label": "PER", "text": "Ann", "score": 0.9, "start_token": 1, "end_token": 2},
            {"start": 21, "end": 24, "label": "LOC", "text": "BOB", "score": 0.4, "start_token": 4, "end_token": 5},
        ],
        "model": "fake",
    }


def test_a_token_is_never_split(client: httpx.Client) -> None:
    (ent,) = asked(client, tokens=["in", "New York.", "now"])["ents"]
    assert (ent["text"], ent["start_token"], ent["end_token"]) == ("New York.", 1, 2)


def test_each_of_several_sentences_is_answered_as_if_it_were_alone(client: httpx.Client) -> None:
    sentences = [["Ann", "left"], [], ["and", "BOB"]]
    answer = asked(client, tokens=sentences)
    assert answer == {"results": [asked(client, tokens=sentence) for sentence in sentences], "model": "fake"}


def test_no_tokens_have_no_entities(client: httpx.Client) -> None:
    assert asked(client, tokens=[]) == {"text": "", "ents": [], "model": "fake"}


def test_tokens_count_as_tokens(serve: Serve) -> None:
    client, _ = serve(max_tokens=3)
    assert refusal(client, tokens=[["a", "b"], ["c", "d"]]) == (
        413,
        "the request has at least 4 tokens; the limit is 3",
    )


# -- tokens and sentences out ----------------------------------------------------------------------------------------


def test_tokens_come_with_the_tags_of_the_entities(client: httpx.Client) -> None:
    answer = asked(client, text="Zoë 😀 met BOB.", include=["tokens"], offset_unit="utf16")
    assert answer["tokens"] == [
        {"id": 0, "start": 0, "end": 3, "text": "Zoë", "tag": "B-PER"},
        {"id": 1, "start": 4, "end": 6, "text": "😀", "tag": "O"},
        {"id": 2, "start": 7, "end": 10, "text": "met", "tag": "O"},
        {"id": 3, "start": 11, "end": 14, "text": "BOB", "tag": "B-LOC"},
        {"id": 4, "start": 14, "end": 15, "text": ".", "tag": "O"},
    ]
    assert [(ent["start_token"], ent["end_token"]) for ent in answer["ents"]] == [(0, 1), (3, 4)]


def test_tags_say_what_is_answered_and_not_what_the_model_found(client: httpx.Client) -> None:
    answer = asked(
        client,
        text="see Ann and BOB in New York",
        include=["tokens"],
        labels={"PER": "PERSON", "CITY": "PLACE"},
        gazetteer={"always": {"CITY": ["New York"]}},
    )
    assert [token["tag"] for token in answer["tokens"]] == ["O", "B-PERSON", "O", "O", "O", "B-PLACE", "I-PLACE"]


def test_sentences_come_with_their_offsets(client: httpx.Client) -> None:
    text = "  Ann left. 😀 She did!\n\nBOB "
    answer = asked(client, text=text, include=["sents"])
    assert [text[sent["start"] : sent["end"]] for sent in answer["sents"]] == ["Ann left.", "😀 She did!", "BOB"]
    assert "tokens" not in answer
    assert "start_token" not in answer["ents"][0]


def test_the_language_is_that_of_most_of_the_text_and_that_of_each_sentence(client: httpx.Client) -> None:
    text = "Ann went to the shop on the corner. 서울에서 왔다."
    english = {"code": "en", "script": "Latin", "supported": True}
    korean = {"code": "ko", "script": "Hangul", "supported": False}
    assert asked(client, text=text, include=["language"])["language"] == english
    answer = asked(client, text=text, include=["language", "sents"])
    assert [sent["language"] for sent in answer["sents"]] == [english, korean]
    assert asked(client, text="", include=["language"])["language"] == {
        "code": None,
        "script": None,
        "supported": True,
    }
    assert "language" not in asked(client, text=text, include=["sents"])["sents"][0]


def test_names_below_the_default_score_are_answered_only_if_asked_for(serve: Serve) -> None:
    client, _ = serve(models=[served(recognizer=Unsure())])
    assert asked(client, text="Ann Bob")["ents"] == []
    assert len(asked(client, text="Ann Bob", min_score=0)["ents"]) == 2


def test_given_tokens_are_one_sentence(client: httpx.Client) -> None:
    answer = asked(client, tokens=["Ann", ".", "Bob", "."], include=["tokens", "sents"])
    assert answer["sents"] == [{"start": 0, "end": 11}]
    assert [token["text"] for token in answer["tokens"]] == ["Ann", ".", "Bob", "."]


def test_an_empty_text_has_neither_tokens_nor_sentences(client: httpx.Client) -> None:
    answer = asked(client, text=" ", include=["tokens", "sents"])
    assert (answer["tokens"], answer["sents"]) == ([], [])


def test_a_long_text_has_all_its_tokens(client: httpx.Client) -> None:
    answer = asked(client, text="Ann left. " * 2_000, include=["tokens", "sents"])
    assert (len(answer["tokens"]), len(answer["sents"]), answer["tokens"][-1]["end"]) == (6_000, 2_000, 19_999)


# -- labels and phrases ----------------------------------------------------------------------------------------------


def test_labels_can_be_renamed_and_the_others_are_left_out(client: httpx.Client) -> None:
    answer = asked(client, text="Ann BOB", labels={"PER": "PERSON"})
    assert [(ent["text"], ent["label"]) for ent in answer["ents"]] == [("Ann", "PERSON")]


def test_two_labels_can_get_one_name(client: httpx.Client) -> None:
    answer = asked(client, text="Ann BOB", labels={"PER": "NAME", "LOC": "NAME"})
    assert [ent["label"] for ent in answer["ents"]] == ["NAME", "NAME"]


def test_phrases_of_the_client_beat_the_model(client: httpx.Client) -> None:
    gazetteer = {"always": {"ORG": ["Ann Arbor News"], "MISC": ["met"]}, "never": ["BOB"]}
    answer = asked(client, text="the Ann Arbor News met BOB and Eve", gazetteer=gazetteer)
    assert [(ent["text"], ent["label"], ent["score"]) for ent in answer["ents"]] == [
        ("Ann Arbor News", "ORG", 1.0),
        ("met", "MISC", 1.0),
        ("Eve", "PER", 0.9),
    ]


def test_the_labels_of_phrases_can_be_chosen_and_renamed(client: httpx.Client) -> None:
    gazetteer = {"always": {"ORG": ["acme"], "MISC": ["met"]}}
    answer = asked(client, text="acme met Ann", gazetteer=gazetteer, labels={"ORG": "FIRM"})
    assert [(ent["text"], ent["label"]) for ent in answer["ents"]] == [("acme", "FIRM")]


def test_case_need_not_count_in_phrases(client: httpx.Client) -> None:
    gazetteer = {"never": ["ann"], "case_sensitive": False}
    assert asked(client, text="ANN Ann", gazetteer=gazetteer)["ents"] == []


def test_phrases_are_sought_in_each_text(client: httpx.Client) -> None:
    answer = asked(client, texts=["an acme", "Ann", "acme acme"], gazetteer={"always": {"ORG": ["acme"]}})
    assert [len(result["ents"]) for result in answer["results"]] == [1, 1, 2]


def test_a_label_that_only_a_phrase_has_is_no_longer_known_without_it(client: httpx.Client) -> None:
    message = "labels has a label that model fake does not know; the known labels are LOC, PER"
    assert refusal(client, text="a", labels={"ORG": "FIRM"}) == (422, message)


# -- a model by language ---------------------------------------------------------------------------------------------


class Unsure(CapitalisedWords):
    def tag(self, windows: Sequence[FakeWindow]) -> list[FakeTagging]:
        return [FakeTagging(ids, [0.29] * len(ids)) for ids, _ in super().tag(windows)]


class ThreeLabels(CapitalisedWords):
    labels = ("LOC", "ORG", "PER")


@pytest.mark.parametrize(
    ("text", "model"),
    [
        *[("Ann", "english"), ("他在北京", "chinese"), ("", "english"), ("I am in 北京", "english")],
        *[("Er ist nicht da.", "german"), ("서울에서", "english")],
    ],
)
def test_auto_chooses_by_language_and_the_answer_names_the_model(serve: Serve, text: str, model: str) -> None:
    languages = [("english", "en"), ("german", "de"), ("chinese", "zh-Hans"), ("old chinese", "zh")]
    client, _ = serve(models=[served(name, language=language) for name, language in languages])
    assert asked(client, text=text, model="auto")["model"] == model


def test_auto_chooses_for_each_text(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", language="zh")])
    texts = ["see Ann", "他在 Ann 北京", "BOB", ""]
    answer = asked(client, texts=texts, model="auto")
    assert [result["model"] for result in answer["results"]] == ["en", "zh", "en", "en"]
    assert answer["model"] == "auto"
    alone = [asked(client, text=text, model="auto") for text in texts]
    assert answer["results"] == alone


class Countries(CapitalisedWords):
    """Calls every name GPE."""

    labels = ("GPE",)

    def entities(self, *given: Any) -> list[Entity]:
        return [replace(entity, label="GPE") for entity in super().entities(*given)]


MIXED = "He met Ann. 他在北京见 BOB。 She and Eve left."


def test_auto_divides_the_sentences_of_a_text_among_the_models(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", Countries(), language="zh")])
    answer = asked(client, text=MIXED, model="auto")
    found = [(ent["text"], ent["label"]) for ent in answer["ents"]]
    assert found == [("He", "PER"), ("Ann", "PER"), ("BOB", "GPE"), ("She", "PER"), ("Eve", "PER")]
    assert all(MIXED[ent["start"] : ent["end"]] == ent["text"] for ent in answer["ents"])
    assert answer["model"] == "en"


def test_auto_says_of_each_sentence_whether_a_model_reads_it(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", language="zh")])
    include = ["sents", "language"]
    sents = asked(client, text=f"{MIXED} 서울에서.", model="auto", include=include)["sents"]
    assert [sent["language"]["code"] for sent in sents] == ["en", "zh", "en", "ko"]
    assert [sent["language"]["supported"] for sent in sents] == [True, True, True, False]
    alone = asked(client, text=MIXED, model="en", include=include)["sents"]
    assert [sent["language"]["supported"] for sent in alone] == [True, False, True]


def test_what_each_model_read_of_a_text_is_counted(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", language="zh")])
    asked(client, text=MIXED, model="auto")
    metrics = client.get("/metrics").text
    for line in ('nerve_texts_total{model="en"} 1.0', 'nerve_tokens_total{model="zh"} 7.0'):
        assert line in metrics
    assert 'nerve_texts_total{model="zh"} 1.0' not in metrics


def test_auto_redacts_every_language_of_a_text(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", language="zh")])
    answer = client.post("/v1/redact", json={"text": MIXED, "model": "auto", "patterns": False}).json()
    assert answer["text"] == "<PER> met <PER>. 他在北京见 <LOC>。 <PER> and <PER> left."


def test_auto_chooses_for_tokens_too(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", language="zh")])
    answer = asked(client, tokens=[["他", "在", "北", "京", "Ann"], ["Ann", "left"], []], model="auto")
    assert [result["model"] for result in answer["results"]] == ["zh", "en", "en"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_with_one_model_auto_is_that_model(serve: Serve, language: str) -> None:
    client, _ = serve(models=[served("only", language=language)])
    answer = asked(client, texts=["Ann", "北京"], model="auto")
    assert [result["model"] for result in answer["results"]] == ["only", "only"]


def test_without_a_name_the_first_model_answers_whatever_the_script(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", language="zh")])
    assert asked(client, text="他在北京")["model"] == "en"


def test_with_auto_a_label_has_to_be_known_to_one_of_the_models(serve: Serve) -> None:
    client, _ = serve(models=[served("en", language="en"), served("zh", ThreeLabels(), language="zh")])
    assert asked(client, text="Ann", model="auto", labels=["ORG"])["ents"] == []
    message = "labels has a label that the models do not know; the known labels are LOC, ORG, PER"
    assert refusal(client, text="Ann", model="auto", labels=["XX"]) == (422, message)

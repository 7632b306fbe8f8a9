"""What holds of every answer, whatever Unicode the texts have, in each unit of offsets and with each thing included.

`--hypothesis-profile many` takes many more texts; `python -m bench.faults.texts` does so again and again.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nerve.model.archive import load
from nerve.model.recognizer import Recognizer, Tagging, Window
from nerve.service.annotate.offsets import in_unit
from nerve.service.api.native import find_entities
from nerve.service.api.redact import RedactRequest, redact
from nerve.service.api.requests import EntitiesRequest, parse_request
from nerve.service.app import create_app
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.settings import Settings
from tests.support.any_text import LABELS, any_text, includes, operators, requests, short_texts, units, words
from tests.support.fakes import DirectEngine

Ask = Callable[[str, dict[str, Any]], Any]
ROUTES: dict[str, Any] = {"entities": (find_entities, EntitiesRequest), "redact": (redact, RedactRequest)}
CODES = {"codepoint": "utf-32-le", "utf16": "utf-16-le", "utf8": "utf-8"}
WIDTHS = {"codepoint": 4, "utf16": 2, "utf8": 1}
# Sums of floats depend on the shape of the batch.
SCORE_TOLERANCE = 1e-5


class ByRule(Recognizer):
    """Gives each word its tag by a rule, fast and without arithmetic: half of them are in entities."""

    def tag(self, windows: Sequence[Window]) -> list[Tagging]:
        return [self._tagging([token.text for token in window.tokens]) for window in windows]

    def _tagging(self, words: list[str]) -> Tagging:
        tags = ["O"]
        for word in words:
            digest = zlib.crc32(word.encode())
            label = tags[-1].removeprefix("B-").removeprefix("I-")
            continued = digest % 4 == 1 and label != "O"
            tags.append(f"I-{label}" if continued else f"B-{self.labels[digest % 2]}" if digest % 4 > 1 else "O")
        known = self.archive.metadata.tags
        return Tagging([known.index(tag) for tag in tags[1:]], [zlib.crc32(word.encode()) / 2**32 for word in words])


@pytest.fixture(scope="module")
def ask(archive: Path) -> Iterator[Ask]:
    """Return a function that answers a request of a route by a rule, without a server."""
    yield from _answers(ByRule(load(archive)))


@pytest.fixture(scope="module")
def ask_tagger(archive: Path) -> Iterator[Ask]:
    """Return a function that answers a request of a route with a real tagger, without a server."""
    yield from _answers(Recognizer(load(archive)))


def _answers(recognizer: Recognizer) -> Iterator[Ask]:
    settings = Settings(deadline_seconds=3_600)  # a long run on a busy machine may be held up for longer than 30 s
    app = create_app(settings, [ServedModel("tiny", recognizer, {"language": "en"})], DirectEngine())
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())

        def answer(route: str, request: dict[str, Any]) -> Any:
            endpoint, kind = ROUTES[route]
            body = json.dumps(request).encode()
            parsed = parse_request(body, app.state.service.settings, kind)
            return json.loads(bytes(runner.run(endpoint(app.state.service, None, parsed)).body))

        yield answer
        runner.run(lifespan.__aexit__(None, None, None))


def cut(text: str, part: dict[str, Any], unit: str) -> str:
    """Return what `start` and `end` of a part of an answer cut out of a text, by the definition of the unit."""
    width = WIDTHS[unit]
    return text.encode(CODES[unit])[part["start"] * width : part["end"] * width].decode(CODES[unit])


def spans(parts: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(part["start"], part["end"]) for part in parts]


def check_order(parts: list[dict[str, Any]]) -> None:
    """Check that parts are not empty, in the order of the text, and without overlap."""
    assert all(start < end for start, end in spans(parts))
    assert all(before["end"] <= after["start"] for before, after in pairwise(parts))


def check_answer(text: str, result: dict[str, Any], unit: str, *, patterns: bool) -> None:
    """Check an answer with entities, tokens and sentences, the text of which is known."""
    assert result["text"] == text
    for parts in (result["ents"], result["tokens"], result["sents"]):
        check_order(parts)
    for part in (*result["ents"], *result["tokens"]):
        assert part["text"] == cut(text, part, unit) == part["text"].strip()
    assert [token["id"] for token in result["tokens"]] == list(range(len(result["tokens"])))
    # A sentence is a run of whole tokens, and each token is in one.
    starts, ends = zip(*spans(result["tokens"]), strict=True) if result["tokens"] else ((), ())
    assert all(start in starts and end in ends for start, end in spans(result["sents"]))
    inside = [sum(start <= token < end for start, end in spans(result["sents"])) for token in starts]
    assert set(inside) <= {1}
    # The tags are those of the entities. Only at a pattern does one begin or end inside of a token, and share it.
    tags = ["O"] * len(starts)
    reached = 0
    for ent in result["ents"]:
        first, end = ent["start_token"], ent["end_token"]
        assert starts[first] <= ent["start"] < ends[first]
        assert starts[end - 1] < ent["end"] <= ends[end - 1]
        assert patterns or (ent["start"], ent["end"]) == (starts[first], ends[end - 1])
        assert 0 <= ent["score"] <= 1
        first = max(first, reached)
        if first < end:
            tags[first:end] = [f"B-{ent['label']}", *[f"I-{ent['label']}"] * (end - first - 1)]
            reached = end
    assert tags == [token["tag"] for token in result["tokens"]]


def same(result: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two answers differ in nothing but how scores are rounded."""
    pairs = zip(result["ents"], other["ents"], strict=True)
    rounded = all(abs(one["score"] - two["score"]) <= SCORE_TOLERANCE for one, two in pairs)

    def without_scores(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "ents": [{**ent, "score": None} for ent in answer["ents"]]}

    return rounded and without_scores(result) == without_scores(other)


@given(request=requests())
def test_an_answer_cuts_each_text_into_entities_tokens_and_sentences(ask: Ask, request: dict[str, Any]) -> None:
    answer = ask("entities", {**request, "include": ["tokens", "sents"]})
    for text, result in zip(request["texts"], answer["results"], strict=True):
        check_answer(text, result, request["offset_unit"], patterns=request["patterns"])
        rest = text.encode(CODES[request["offset_unit"]])
        width = WIDTHS[request["offset_unit"]]
        for start, end in reversed(spans(result["tokens"])):
            rest = rest[: start * width] + rest[end * width :]
        assert not rest.decode(CODES[request["offset_unit"]]).strip()


@given(request=requests(), included=includes)
def test_a_text_among_others_is_answered_as_alone(ask: Ask, request: dict[str, Any], included: list[str]) -> None:
    texts = request.pop("texts")
    together = ask("entities", {**request, "texts": texts, "include": included})
    alone = [ask("entities", {**request, "text": text, "include": included}) for text in texts]
    assert all(map(same, together["results"], alone))


@settings(max_examples=20)
@given(texts=st.lists(short_texts, min_size=2, max_size=12))
def test_a_tagger_scores_a_text_among_others_as_alone_to_the_fifth_digit(ask_tagger: Ask, texts: list[str]) -> None:
    together = ask_tagger("entities", {"texts": texts})["results"]
    assert all(map(same, together, [ask_tagger("entities", {"text": text}) for text in texts]))


@given(sentence=st.lists(words, max_size=12), unit=units)
def test_tokens_that_are_sent_come_back_as_they_are(ask: Ask, sentence: list[str], unit: str) -> None:
    result = ask("entities", {"tokens": sentence, "offset_unit": unit, "include": ["tokens", "sents"]})
    assert result["text"] == " ".join(sentence)
    assert [token["text"] for token in result["tokens"]] == sentence
    check_order(result["tokens"])
    for part in (*result["ents"], *result["tokens"]):
        assert part["text"] == cut(result["text"], part, unit)


@given(request=requests(), chosen=st.dictionaries(st.sampled_from(LABELS), operators), default=operators)
def test_a_redacted_text_is_the_text_but_for_its_entities(
    ask: Ask, request: dict[str, Any], chosen: dict[str, Any], default: dict[str, Any]
) -> None:
    unit, width = request["offset_unit"], WIDTHS[request["offset_unit"]]
    request.setdefault("gazetteer", {"always": {}})["always"].setdefault("OWN", [])
    request.setdefault("min_score", 0)
    found = ask("entities", request)["results"]
    redacted = ask("redact", {**request, "operators": chosen, "default": default})["results"]
    for text, before, after in zip(request["texts"], found, redacted, strict=True):
        restored = after["text"].encode(CODES[unit])
        for ent, replacement in reversed([*zip(before["ents"], after["ents"], strict=True)]):
            assert replacement["label"] == ent["label"]
            assert replacement["operator"] == chosen.get(ent["label"], default)["type"]
            assert cut(after["text"], replacement, unit) == replacement["text"]
            start, end = replacement["start"] * width, replacement["end"] * width
            restored = restored[:start] + ent["text"].encode(CODES[unit]) + restored[end:]
        assert restored.decode(CODES[unit]) == text


@given(text=any_text, unit=units)
def test_an_offset_is_the_length_of_what_comes_before_it(text: str, unit: Any) -> None:
    places = range(len(text) + 1)
    lengths = {place: len(text[:place].encode(CODES[unit])) // WIDTHS[unit] for place in places}
    assert in_unit(text, places, unit) == lengths


@pytest.mark.parametrize("field", ["text", "texts", "tokens", "always", "never"])
@given(before=short_texts, surrogate=st.characters(categories=["Cs"]), after=short_texts)
def test_a_lone_surrogate_is_refused_wherever_it_is(
    ask: Ask, field: str, before: str, surrogate: str, after: str
) -> None:
    text = f"{before[:40]}x{surrogate}x{after[:40]}"
    request: dict[str, Any] = {field: text if field == "text" else [text]}
    if field in ("always", "never"):
        request = {"text": "", "gazetteer": {field: {"PER": [text]} if field == "always" else [text]}}
    with pytest.raises(InvalidRequestError):
        ask("entities", request)

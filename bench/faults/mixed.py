"""Send requests of all kinds at once, and compare each answer with the right one.

    python -m bench.faults.mixed
    python -m bench.faults.mixed --requests 10000 --connections 16

The kinds are mixed over routes (entities, redact, stream, and those of Hugging Face, Presidio, the Open Inference
Protocol and Label Studio), models (both bundled ones by name, and `auto`), and ways to send them (one text, a list,
lines, gzipped, pipelined, on a new connection). What is right is computed here, for each text alone, with the same
archives and without the service. A line says now and then how many answers were wrong. Nine tenths of the CPU time
are the service's, which tags six sentences for a request. Exits with 1 if an answer differs in anything but the sixth
digit of a score.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bench.faults.connection import Answer, Connection
from bench.faults.service_process import service_process
from nerve.model.annotation import MIN_SCORE
from nerve.model.archive import load
from nerve.model.bundled import path_of
from nerve.model.recognizer import Recognizer
from nerve.service.api.presidio import NAMES

SCORE_TOLERANCE = 1e-5
REQUESTS_BETWEEN_LINES = 5_000
# How many sentences a text has. Few are long: answers to short ones are as easily mixed up, and sooner there.
SENTENCE_COUNTS = (*(1,) * 12, *(2,) * 5, 5, 5, 20)
MODELS = ("en", "zh")
PEOPLE_AND_PLACES = {
    "en": ("Angela Merkel", "Tim Cook", "Zoë Smith", "IBM", "Apple Inc.", "the United Nations", "Paris", "New York"),
    "zh": ("默克尔", "习近平", "姚明", "北京大学", "联合国", "上海", "纽约", "东京"),
}
SENTENCES = {
    "en": (
        "{} met {} in {} on Monday.",
        "{} 😀 left, said {}.",
        "Why did {} sue {}?\n\n{} won’t say.",
        "Nothing.",
    ),
    "zh": ("{}在{}会见了{}。", "{}访问{}。", "据{}报道，{}和{}没有来。", "没有什么。"),
}


class Case(NamedTuple):
    """A text, the name of the model that answers it, and the entities that it has."""

    text: str
    model: str
    ents: Sequence[Mapping[str, Any]]


class Outcome(NamedTuple):
    """How many requests and texts there were by kind of request, and what was wrong."""

    requests: Counter[str]
    texts: int
    wrong: list[str]


Tell = Callable[[Outcome], None]
"""Is told what has happened so far, after each request."""


def cases(count: int, seed: int = 1) -> list[Case]:
    """Return texts of both languages with their entities, each found alone."""
    chance = random.Random(seed)
    known = []
    for model in MODELS:
        recognizer = Recognizer(load(path_of(model)))
        for _ in range(count):
            pieces = chance.choices(SENTENCES[model], k=chance.choice(SENTENCE_COUNTS))
            text = " ".join(pieces).replace("{}", "\0")
            while "\0" in text:
                text = text.replace("\0", chance.choice(PEOPLE_AND_PLACES[model]), 1)
            (found,) = recognizer.recognize([text])
            known.append(Case(text, model, [entity.to_json() for entity in found if entity.score >= MIN_SCORE]))
    return known


def same_entities(ents: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether two lists of entities differ in nothing but how scores are rounded."""
    return len(ents) == len(expected) and all(
        {**ent, "score": 0} == {**right, "score": 0} and abs(ent["score"] - right["score"]) <= SCORE_TOLERANCE
        for ent, right in zip(ents, expected, strict=True)
    )


def right_entities(result: Mapping[str, Any], case: Case) -> bool:
    """Return whether a result of the native contract is that of a case."""
    own = (result["text"], result["model"]) == (case.text, case.model)
    return own and same_entities(result["ents"], case.ents)


def right_redaction(result: Mapping[str, Any], case: Case) -> bool:
    """Return whether a result of `/v1/redact` is that of a case, with labels in the places of its entities."""
    return (result["text"], result["model"]) == (_replaced(case, {}), case.model)


def right_groups(result: Sequence[Mapping[str, Any]], case: Case) -> bool:
    """Return whether a result of Hugging Face's contract is that of a case."""
    words = {"label": "entity_group", "text": "word"}
    ents = [{key: one[words.get(key, key)] for key in ("start", "end", "label", "text", "score")} for one in result]
    return same_entities(ents, case.ents)


def right_analysis(result: Sequence[Mapping[str, Any]], case: Case) -> bool:
    """Return whether a result of Presidio's analyzer is that of a case."""
    ents = [{**_place(one, case), "label": one["entity_type"], "score": one["score"]} for one in result]
    expected = [{**ent, "label": NAMES.get(ent["label"], ent["label"])} for ent in case.ents]
    return same_entities(ents, expected)


def right_anonymization(result: Mapping[str, Any], case: Case) -> bool:
    """Return whether Presidio's anonymizer has put names in the places of a case's entities."""
    return bool(result["text"] == _replaced(case, NAMES)) and len(result["items"]) == len(case.ents)


def right_regions(result: Mapping[str, Any], case: Case) -> bool:
    """Return whether a prediction for Label Studio is that of a case."""
    values = [(region["value"], region["score"]) for region in result["result"]]
    ents = [{**_place(value, case), "label": value["labels"][0], "score": score} for value, score in values]
    return [value["text"] for value, _ in values] == [ent["text"] for ent in ents] and same_entities(ents, case.ents)


def _place(found: Mapping[str, Any], case: Case) -> dict[str, Any]:
    start, end = found["start"], found["end"]
    return {"start": start, "end": end, "text": case.text[start:end]}


def _replaced(case: Case, names: Mapping[str, str]) -> str:
    """The text of a case with the names of its labels in the places of its entities."""
    text = case.text
    for ent in reversed(case.ents):
        text = f"{text[: ent['start']]}<{names.get(ent['label'], ent['label'])}>{text[ent['end'] :]}"
    return text


class Client:
    """Sends one request after the other over a connection of its own, of kinds drawn by chance."""

    def __init__(self, port: int, known: Sequence[Case], seed: int, outcome: Outcome, tell: Tell) -> None:
        """Take the port, the texts, the seed of the choices, where to write what happened, and whom to tell it."""
        self._port, self._known, self._outcome, self._tell = port, known, outcome, tell
        self._chance = random.Random(seed)
        self._kinds: dict[str, Callable[[Connection], Awaitable[None]]] = {
            "one": self._one,
            "gzip": self._gzip,
            "list": self._list,
            "stream": self._stream,
            "pipelined": self._pipelined,
            "redact": self._redact,
            "huggingface": self._huggingface,
            "analyze": self._analyze,
            "anonymize": self._anonymize,
            "infer": self._infer,
            "predict": self._predict,
        }

    async def run(self, requests: int) -> None:
        """Send so many requests; the connection is a new one now and then."""
        while requests > 0:
            async with Connection(self._port) as connection:
                for _ in range(min(requests, self._chance.randrange(1, 40))):
                    kind = self._chance.choice([*self._kinds])
                    await self._kinds[kind](connection)
                    self._outcome.requests[kind] += 1
                    self._tell(self._outcome)
                    requests -= 1

    def _case(self) -> tuple[Case, dict[str, str]]:
        case = self._chance.choice(self._known)
        return case, {"model": self._chance.choice((case.model, "auto"))}

    def _check(
        self, kind: str, answer: Answer, of: Sequence[Case], right: Callable[[Any, Case], bool], results: Any = None
    ) -> None:
        """Compare the results, or the answer's only one, with the cases."""
        found = [json.loads(answer.body)] if results is None and answer.status == 200 else results or []
        refused = {one["error"]["code"] for one in found if "error" in one}  # lines of a stream
        if refused:
            self._outcome.wrong.append(f"{kind}: {', '.join(refused)}")
        elif answer.status != 200 or len(found) != len(of) or not all(map(right, found, of)):
            self._outcome.wrong.append(f"{kind}: status {answer.status}")

    async def _one(self, connection: Connection, *, zipped: bool = False) -> None:
        case, how = self._case()
        answer = await connection.post("/v1/entities", {**how, "text": case.text}, zipped=zipped)
        self._check("one", answer, [case], right_entities)

    async def _gzip(self, connection: Connection) -> None:
        await self._one(connection, zipped=True)

    async def _list(self, connection: Connection) -> None:
        chosen = self._chance.choices(self._known, k=self._chance.randrange(1, 7))
        content = {"texts": [case.text for case in chosen], "model": "auto"}
        answer = await connection.post("/v1/entities", content, zipped=self._chance.random() < 0.3)
        self._check("list", answer, chosen, right_entities, json.loads(answer.body).get("results"))

    async def _stream(self, connection: Connection) -> None:
        chosen = [self._case() for _ in range(self._chance.randrange(1, 7))]
        lines = "".join(json.dumps({**how, "text": case.text}) + "\n" for case, how in chosen)
        answer = await connection.post("/v1/stream", lines.encode(), zipped=self._chance.random() < 0.3)
        results = [json.loads(line) for line in answer.body.splitlines()]
        self._check("stream", answer, [case for case, _ in chosen], right_entities, results)

    async def _pipelined(self, connection: Connection) -> None:
        chosen = [self._case() for _ in range(self._chance.randrange(2, 6))]
        for case, how in chosen:
            await connection.send("/v1/entities", {**how, "text": case.text})
        for case, _ in chosen:
            self._check("pipelined", await connection.receive(), [case], right_entities)

    async def _redact(self, connection: Connection) -> None:
        case, how = self._case()
        self._check(
            "redact",
            await connection.post("/v1/redact", {**how, "min_score": MIN_SCORE, "text": case.text}),
            [case],
            right_redaction,
        )

    async def _huggingface(self, connection: Connection) -> None:
        case, _ = self._case()
        answer = await connection.post(f"/models/{case.model}", {"inputs": case.text})
        self._check("huggingface", answer, [case], right_groups)

    async def _analyze(self, connection: Connection) -> None:
        case, _ = self._case()
        content = {"text": case.text, "language": case.model, "score_threshold": MIN_SCORE}
        self._check("analyze", await connection.post("/analyze", content), [case], right_analysis)

    async def _anonymize(self, connection: Connection) -> None:
        case, _ = self._case()
        results = [
            {
                "entity_type": NAMES.get(ent["label"], ent["label"]),
                **{key: ent[key] for key in ("start", "end", "score")},
            }
            for ent in case.ents
        ]
        answer = await connection.post("/anonymize", {"text": case.text, "analyzer_results": results})
        self._check("anonymize", answer, [case], right_anonymization)

    async def _infer(self, connection: Connection) -> None:
        model = self._chance.choice(MODELS)
        chosen = self._several(model)
        tensor = {"name": "text", "datatype": "BYTES", "shape": [len(chosen)], "data": [case.text for case in chosen]}
        answer = await connection.post(f"/v2/models/{model}/infer", {"inputs": [tensor]})
        elements = json.loads(answer.body)["outputs"][0]["data"] if answer.status == 200 else []
        self._check(
            "infer",
            answer,
            chosen,
            lambda ents, case: same_entities(ents, case.ents),
            [json.loads(element) for element in elements],
        )

    async def _predict(self, connection: Connection) -> None:
        chosen = self._several(MODELS[0])
        labels = {ent["label"] for case in self._known for ent in case.ents}
        buttons = "".join(f'<Label value="{label}"/>' for label in sorted(labels))
        view = f'<View><Labels name="label" toName="text">{buttons}</Labels><Text name="text" value="$text"/></View>'
        content = {"tasks": [{"data": {"text": case.text}} for case in chosen], "label_config": view}
        answer = await connection.post("/predict", content)
        self._check("predict", answer, chosen, right_regions, json.loads(answer.body).get("results"))

    def _several(self, model: str) -> list[Case]:
        """Cases of a model."""
        own = [case for case in self._known if case.model == model]
        return self._chance.choices(own, k=self._chance.randrange(1, 6))


async def run(
    port: int,
    requests: int,
    connections: int,
    known: Sequence[Case],
    seed: int = 1,
    tell: Tell = lambda _outcome: None,
) -> Outcome:
    """Send so many requests over so many connections, and return what happened."""
    outcome = Outcome(Counter(), len(known), [])
    share = -(-requests // connections)
    async with asyncio.TaskGroup() as tasks:
        for number in range(connections):
            tasks.create_task(Client(port, known, seed + number, outcome, tell).run(share))
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a service, send what the command line asks for, and print what happened; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.mixed", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--texts", type=int, default=500, help="different texts of each language")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    known = cases(options.texts, options.seed)
    with service_process() as service:
        began = time.monotonic()

        def tell(outcome: Outcome) -> None:
            sent = outcome.requests.total()
            if sent % REQUESTS_BETWEEN_LINES == 0:
                wrong, seconds = len(outcome.wrong), time.monotonic() - began
                print(f"{seconds:6,.0f} s  {sent:,} of {options.requests:,} requests, {wrong:,} wrong", flush=True)

        outcome = asyncio.run(run(service.port, options.requests, options.connections, known, options.seed, tell))
    print(f"{outcome.requests.total():,} requests in {time.monotonic() - began:,.0f} s: {dict(outcome.requests)}")
    print(f"{len(outcome.wrong):,} answers were wrong: {Counter(outcome.wrong).most_common(9)}")
    return int(bool(outcome.wrong))


if __name__ == "__main__":
    sys.exit(main())

"""Bodies of some megabytes that are dear to parse, and how long health waits meanwhile.

The first of them once held the event loop for up to three seconds; the others are of their kind.
"""

import contextlib
import http.client
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple, TypeVar

from bench.faults.service_process import cpu_seconds
from nerve.service.api.label_studio import EXAMPLE_CONFIGURATION

# Between two questions for health, so that asking is not what keeps the machine busy.
PAUSE_SECONDS = 0.002


Result = TypeVar("Result")


class Body(NamedTuple):
    """A body, made when it is wanted, and the path of the route that it is for."""

    path: str
    make: Callable[[], bytes]


def filled(start: str, item: str | Callable[[int], str], end: str, count: int) -> Callable[[], bytes]:
    """Return what makes a body of many items between a start and an end."""

    def make() -> bytes:
        items = ",".join(map(item, range(count)) if callable(item) else itertools.repeat(item, count))
        return f"{start}{items}{end}".encode()

    return make


def written(value: object) -> Callable[[], bytes]:
    """Return what makes a body of JSON."""
    return lambda: json.dumps(value, ensure_ascii=False).encode()


_PROJECT = f'{{"label_config":{json.dumps(EXAMPLE_CONFIGURATION)},"tasks":['


def _tasks(count: int) -> Callable[[], bytes]:
    return filled(_PROJECT, '{"data":{}}', "]}", count)


def _fields(start: str, end: str, count: int = 39_000) -> Callable[[], bytes]:
    return filled(start, lambda n: f'"{n}":1', end, count)


_ANONYMIZERS = '{"text":"a","analyzer_results":[],"anonymizers":{'


def _results(count: int) -> Callable[[], bytes]:
    start = '{"text":"' + "a" * 100_000 + '","analyzer_results":['
    return filled(start, lambda n: f'{{"entity_type":"A","start":{n},"end":{n + 1},"score":1}}', "]}", count)


def _labels(phrases: str, count: int) -> Callable[[], bytes]:
    return filled('{"text":"a","gazetteer":{"always":{', lambda n: f'"{n}":{phrases}', "}}}", count)


BODIES: Mapping[str, Body] = {
    "339,000 operators": Body(
        "/v1/redact", filled('{"text":"a","operators":{', lambda n: f'"{n}":{{"type":"keep"}}', "}}", 339_000)
    ),
    "645,000 wrong operators": Body(
        "/v1/redact", filled('{"text":"a","operators":{', lambda n: f'"{n}":1', "}}", 645_000)
    ),
    "690,000 empty tasks": Body("/predict", _tasks(690_000)),
    "2,790,000 empty sentences": Body("/v1/entities", filled('{"tokens":[', "[]", "]}", 2_790_000)),
    "1,390,000 sentences of a token": Body("/v1/entities", filled('{"tokens":[', '["a"]', "]}", 1_390_000)),
    "645,000 labels without phrases": Body("/v1/entities", _labels("[]", 645_000)),
    "645,000 labels with wrong phrases": Body("/v1/entities", _labels("1", 645_000)),
    "2,000,000 words of context": Body(
        "/analyze", filled('{"text":"a","language":"en","context":[', "[0]", "]}", 2_000_000)
    ),
    "2,000,000 options": Body("/", filled('{"inputs":"a","options":{"a":[', "[0]", "]}}", 2_000_000)),
    "39,000 renamed labels": Body(
        "/v1/entities", filled('{"text":"a","labels":{', lambda n: f'"{n}":"a"', "}}", 39_000)
    ),
    "24,000 labels without phrases": Body("/v1/entities", _labels("[]", 24_000)),
    "39,000 labels with wrong phrases": Body("/v1/entities", _labels("1", 39_000)),
    "600,000 renamed labels": Body(
        "/v1/entities", filled('{"text":"a","labels":{', lambda n: f'"{n}":"a"', "}}", 600_000)
    ),
    "39,000 unknown fields": Body("/v1/entities", _fields('{"text":"a",', "}")),
    "39,000 own fields in a line of a stream": Body("/v1/stream", _fields('{"text":"a",', "}")),
    "39,000 fields of options": Body("/", _fields('{"inputs":"a","options":{', "}}")),
    "39,000 fields of a task": Body("/predict", _fields(_PROJECT + '{"data":{', "}}]}")),
    "99,000 wrong anonymizers": Body("/anonymize", _fields(_ANONYMIZERS, "}}", 99_000)),
    "24,000 anonymizers": Body(
        "/anonymize", filled(_ANONYMIZERS, lambda n: f'"{n}":{{"type":"keep"}}', "}}", 24_000)
    ),
    "24,000 results of an analyzer": Body("/anonymize", _results(24_000)),
    "2,000,000 tensors": Body("/v2/models/en/infer", filled('{"inputs":[', "{}", "]}", 2_000_000)),
    "2,700,000 elements of a tensor": Body(
        "/v2/models/en/infer",
        filled('{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":[', '""', "]}]}", 2_700_000),
    ),
    "2,790,000 empty sentences in a line of a stream": Body(
        "/v1/stream", filled('{"tokens":[', "[]", "]}", 2_790_000)
    ),
    "a sentence of 1,000,000 words": Body("/v1/entities", written({"text": "a " * 1_000_000})),
    "2,000,000 Han characters": Body("/v1/entities", written({"text": "中" * 2_000_000})),
    "a sentence of 40,000 words": Body("/v1/redact", written({"text": "a " * 40_000})),
    "249,000 tokens, as many as may be parsed": Body("/v1/entities", filled('{"tokens":[', '"a"', "]}", 249_000)),
}


def slowest_health(pid: int, port: int, meanwhile: Callable[[], Result]) -> tuple[float, Result]:
    """Return how much a service did before its slowest answer of health while something happened.

    Args:
        pid: The process of the service.
        port: Its port.
        meanwhile: What happens, in a thread of its own.

    Returns:
        The CPU time of the process between the question and the answer, in seconds, and what came of `meanwhile`.
        On a core of its own, that is how long one had to wait; other programs on the core do not change it.

    Raises:
        OSError: Health is not answered, or `meanwhile` raised it.
        http.client.HTTPException: The same.
    """
    times: list[float] = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        done = threading.Event()
        happening: Future[Result] = Future()
        happening.add_done_callback(lambda _: done.set())
        # Nobody waits for it when the service or this command ends.
        threading.Thread(target=_complete, args=(happening, meanwhile), daemon=True).start()
        while not done.wait(PAUSE_SECONDS) or not times:
            begun = cpu_seconds(pid)
            connection.request("GET", "/health/live")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise http.client.HTTPException(f"health is {answer.status}")
            times.append(cpu_seconds(pid) - begun)
        return max(times), happening.result()


def _complete(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)

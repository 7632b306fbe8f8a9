"""Nobody holds up everybody: health is answered at once while bodies that are dear to parse are on their way."""

import concurrent.futures
import gzip
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nerve.service.api.label_studio import EXAMPLE_CONFIGURATION

# Of the slowest answer, on a machine that takes REFERENCE_SECONDS for the reference: one that does nothing else.
LIMIT_SECONDS = 0.05
REFERENCE_SECONDS = 0.045
BODY = 8 * 2**20


def filled(start: str, item: str | Callable[[int], str], end: str, count: int) -> bytes:
    """Return a body of many items between a start and an end."""
    items = ",".join(map(item, range(count)) if callable(item) else itertools.repeat(item, count))
    return f"{start}{items}{end}".encode()


# The bodies of some megabytes that once held the event loop for up to three seconds, and others of their kind.
BODIES: dict[str, tuple[str, bytes]] = {
    "operators": (
        "/v1/redact",
        filled('{"text":"a","operators":{', lambda n: f'"{n}":{{"type":"keep"}}', "}}", 339_000),
    ),
    "wrong operators": ("/v1/redact", filled('{"text":"a","operators":{', lambda n: f'"{n}":1', "}}", 645_000)),
    "empty tasks": (
        "/predict",
        filled('{"label_config":' + json.dumps(EXAMPLE_CONFIGURATION) + ',"tasks":[', '{"data":{}}', "]}", 690_000),
    ),
    "empty sentences": ("/v1/entities", filled('{"tokens":[', "[]", "]}", 2_790_000)),
    "sentences of a token": ("/v1/entities", filled('{"tokens":[', '["a"]', "]}", 1_390_000)),
    "labels without phrases": (
        "/v1/entities",
        filled('{"text":"a","gazetteer":{"always":{', lambda n: f'"{n}":[]', "}}}", 645_000),
    ),
    "wrong phrases": (
        "/v1/entities",
        filled('{"text":"a","gazetteer":{"always":{', lambda n: f'"{n}":1', "}}}", 645_000),
    ),
    "context": ("/analyze", filled('{"text":"a","language":"en","context":[', "[0]", "]}", 2_000_000)),
    "options": ("/", filled('{"inputs":"a","options":{"a":[', "[0]", "]}}", 2_000_000)),
    "labels": ("/v1/entities", filled('{"text":"a","labels":{', lambda n: f'"{n}":"a"', "}}", 600_000)),
    "unknown fields": ("/v1/entities", filled('{"text":"a",', lambda n: f'"{n}":1', "}", 99_000)),
    "results": (
        "/anonymize",
        filled(
            '{"text":"' + "a" * 100_000 + '","analyzer_results":[',
            lambda n: f'{{"entity_type":"A","start":{n},"end":{n + 1},"score":1}}',
            "]}",
            24_000,
        ),
    ),
    "tensors": ("/v2/models/en/infer", filled('{"inputs":[', "{}", "]}", 2_000_000)),
    "elements": (
        "/v2/models/en/infer",
        filled('{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":[', '""', "]}]}", 2_700_000),
    ),
    "a stream's line": ("/v1/stream", filled('{"tokens":[', "[]", "]}", 2_790_000)),
    "as many tokens as may be parsed": ("/v1/entities", filled('{"tokens":[', '"a"', "]}", 249_000)),
}


def slowest(url: str, meanwhile: Callable[[], Any]) -> float:
    """Return the time of the slowest answer of health, in seconds, while something happens."""
    times = []
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        client.get("/health/live")
        done = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            happening = pool.submit(meanwhile)
            happening.add_done_callback(lambda _: done.set())
            while not done.wait(0.001) or not times:
                begun = time.perf_counter()
                assert client.get("/health/live").status_code == 200
                times.append(time.perf_counter() - begun)
            happening.result()
    return max(times)


def sender(url: str, *names: str) -> Callable[[], list[int]]:
    """Return what sends the bodies of these names at the same time and returns the statuses of the answers."""
    headers = {"Content-Encoding": "gzip"}
    zipped = [(BODIES[name][0], gzip.compress(BODIES[name][1], 1)) for name in names]

    def send(path: str, body: bytes) -> int:
        return httpx.post(url + path, content=body, headers=headers, trust_env=False, timeout=60).status_code

    def send_all() -> list[int]:
        with concurrent.futures.ThreadPoolExecutor(len(zipped)) as pool:
            return list(pool.map(send, *zip(*zipped, strict=True)))

    return send_all


def reference() -> float:
    """Return the time that a piece of work takes here and now, in seconds."""
    begun = time.perf_counter()
    for _ in range(4):
        sum(map(abs, range(500_000)))
    return time.perf_counter() - begun


def check(url: str, *names: str) -> None:
    """Check that the bodies of these names, sent together, keep nobody waiting.

    A machine that is slower, or busy with other work, may take as much longer as it takes for the reference. The best
    of three counts, because other work comes and goes.
    """
    send = sender(url, *names)
    attempts = []
    for _ in range(3):
        before = reference()
        seconds = slowest(url, send)
        slower = max(1.0, (before + reference()) / 2 / REFERENCE_SECONDS)
        attempts.append(seconds / slower)
        if attempts[-1] < LIMIT_SECONDS:
            return
    pytest.fail(f"health took {min(attempts):.3f} s in the best of the attempts")


@pytest.mark.parametrize("name", BODIES)
def test_health_is_answered_at_once_while_a_body_is_parsed(service_url: str, name: str) -> None:
    assert len(BODIES[name][1]) <= BODY
    check(service_url, name)


def test_health_is_answered_at_once_while_six_bodies_are_parsed(service_url: str) -> None:
    check(service_url, *["operators"] * 6)


def test_health_is_answered_at_once_while_six_other_bodies_are_parsed(service_url: str) -> None:
    check(service_url, *list(BODIES)[1:7])

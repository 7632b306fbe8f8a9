"""The one thread that tags."""

import asyncio
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nerve.model.archive import fast_form, load
from nerve.model.recognizer import Recognizer
from nerve.service.engine.batcher import Batcher, EngineStoppedError
from nerve.service.engine.engine import WARM_UP_SHAPES, Engine, limit_kernels, limit_threads
from tests.support.fakes import CapitalisedWords

pytestmark = pytest.mark.anyio


class Recording(CapitalisedWords):
    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []
        self.threads: set[int] = set()

    def tag(self, windows: Sequence[Any]) -> list[Any]:
        self.shapes.append((len(windows), max(map(len, windows))))
        self.threads.add(threading.get_ident())
        return super().tag(windows)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(prepare=lambda: None)
    yield engine
    engine.close()


async def test_a_batch_is_tagged_in_its_order(engine: Engine) -> None:
    recognizer = CapitalisedWords()
    windows = recognizer.windows("see Ann\nBOB")
    assert [tagging.tag_ids for tagging in await engine.run(recognizer, windows)] == [[0, 1], [2]]


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_a_recognizer_cannot_end_the_process(engine: Engine, ending: type[BaseException]) -> None:
    class Ending(CapitalisedWords):
        def tag(self, windows: Sequence[Any]) -> list[Any]:
            raise ending(windows)

    with pytest.raises(RuntimeError, match="tried to end the process") as raised:
        await engine.run(Ending(), Ending().windows("Ann"))
    assert isinstance(raised.value.__cause__, ending)
    assert await engine.run(CapitalisedWords(), CapitalisedWords().windows("Ann"))


async def test_all_batches_run_in_one_thread_which_is_not_the_callers(engine: Engine) -> None:
    recognizer = Recording()
    engine.warm_up(recognizer, lambda: None)
    for _ in range(3):
        await engine.run(recognizer, recognizer.windows("Ann"))
    assert len(recognizer.threads) == 1
    assert threading.get_ident() not in recognizer.threads


def test_the_warm_up_runs_every_shape_twice(engine: Engine) -> None:
    recognizer = Recording()
    engine.warm_up(recognizer, lambda: None)
    assert recognizer.shapes == [shape for shape in WARM_UP_SHAPES for _ in range(2)]


def test_a_failed_self_check_comes_out_of_the_warm_up(engine: Engine) -> None:
    def fail() -> None:
        raise LookupError("another tag")

    with pytest.raises(LookupError):
        engine.warm_up(CapitalisedWords(), fail)


async def test_what_a_recognizer_raises_comes_out(engine: Engine) -> None:
    with pytest.raises(AttributeError):
        await engine.run(CapitalisedWords(), [None])  # type: ignore[list-item]


async def test_a_closed_engine_has_stopped(engine: Engine) -> None:
    engine.close()
    with pytest.raises(EngineStoppedError):
        await engine.run(CapitalisedWords(), [])


async def test_an_engine_whose_thread_cannot_start_has_stopped(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("no torch")

    with pytest.raises(EngineStoppedError):
        await Engine(prepare=fail).run(CapitalisedWords(), [])
    assert "initializer" in caplog.text


@pytest.mark.parametrize(("threads", "calls"), [(1, [1]), (2, [2]), (0, [])])
def test_torch_computes_in_as_many_threads_as_the_setting_says_and_with_0_as_it_chooses(
    monkeypatch: pytest.MonkeyPatch, threads: int, calls: list[int]
) -> None:
    called: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", called.append)
    limit_threads(threads)
    assert called == calls


def test_the_kernels_that_are_kept_are_bounded_unless_the_environment_says_otherwise() -> None:
    environment = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7"}
    limit_kernels(environment)
    assert environment == {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7", "LRU_CACHE_CAPACITY": "128"}


async def test_arranged_for_a_gpu_a_model_tags_the_same_in_batches_of_the_same_order(
    engine: Engine, archive: Path
) -> None:
    shapes: list[list[int]] = []

    class Watched(Recognizer):
        def tag(self, windows: Sequence[Any]) -> list[Any]:
            shapes.append(list(map(len, windows)))
            return super().tag(windows)

    loaded = load(archive)
    form = fast_form(loaded.tagger, loaded.vocabulary, loaded.metadata, "cpu", gpu=True)
    recognizer, plain = Watched(replace(loaded, fast=form)), Recognizer(loaded)
    requests = [plain.windows("Angela Merkel visited New York " * n) for n in (3, 1, 9, 2, 5)]
    batcher = Batcher(engine, batch_tokens=256, queue_tokens=10_000)
    batcher.start()
    found = await asyncio.gather(*(batcher.submit(recognizer, windows, math.inf) for windows in requests))
    await batcher.close(10)
    assert max(map(len, shapes)) > 1
    assert all(lengths == sorted(lengths, reverse=True) and len(lengths) * lengths[0] <= 256 for lengths in shapes)
    for taggings, windows in zip(found, requests, strict=True):
        for tagging, expected in zip(taggings, plain.tag(windows), strict=True):
            assert tagging.tag_ids == expected.tag_ids
            assert tagging.confidences == pytest.approx(expected.confidences, abs=1e-5)

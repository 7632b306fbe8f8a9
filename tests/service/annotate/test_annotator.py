"""The road of a request's texts, beside what the contracts' tests say of it."""

import asyncio
import gc
import threading

import pytest

from nerve.service.annotate.annotator import CHARACTERS_PER_TOKEN, LONG_TEXT_CHARACTERS, Annotator
from nerve.service.engine.batcher import Batcher
from nerve.service.errors import UnavailableError
from tests.support.fakes import CapitalisedWords, DirectEngine

pytestmark = pytest.mark.anyio

LONG = "word " * LONG_TEXT_CHARACTERS


async def test_a_long_text_has_its_place_in_the_queue_while_it_is_read() -> None:
    seen: list[int] = []

    class Reading(CapitalisedWords):
        def windows_of(self, sentences):  # type: ignore[no-untyped-def]
            assert threading.current_thread() is not threading.main_thread()
            seen.append(batcher._announced_tokens)
            return super().windows_of(sentences)

    batcher = Batcher(DirectEngine(), 2**20, 2**20)
    batcher.start()
    annotator = Annotator(batcher, 2**20, 10)
    await annotator.entities(Reading(), [LONG])
    assert seen == [len(LONG) // CHARACTERS_PER_TOKEN]
    assert batcher._announced_tokens == 0
    annotator.close()
    await batcher.close(0)


async def test_a_long_text_without_a_place_is_refused_before_it_is_read() -> None:
    class Unread(CapitalisedWords):
        def windows_of(self, _sentences):  # type: ignore[no-untyped-def]
            raise AssertionError

    batcher = Batcher(DirectEngine(), 100, 100)
    batcher.start()
    annotator = Annotator(batcher, 2**20, 10)
    with pytest.raises(UnavailableError, match="the queue is full"):
        await annotator.entities(Unread(), [LONG])
    annotator.close()
    await batcher.close(0)


async def test_the_garbage_collector_rests_while_long_texts_are_under_way_and_then_goes_on() -> None:
    seen: list[bool] = []

    class Reading(CapitalisedWords):
        def windows_of(self, sentences):  # type: ignore[no-untyped-def]
            seen.append(gc.isenabled())
            return super().windows_of(sentences)

    batcher = Batcher(DirectEngine(), 2**20, 2**20)
    batcher.start()
    annotator = Annotator(batcher, 2**20, 10)
    await annotator.entities(Reading(), ["short"])
    await asyncio.gather(*(annotator.entities(Reading(), [LONG]) for _ in range(2)))
    assert seen == [True, False, False]
    assert gc.isenabled()
    annotator.close()
    await batcher.close(0)

"""The work on a request's texts, beside what the tests of the contracts say of it."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from nerve.model.annotation import Entity
from nerve.service.annotate.annotator import CHARACTERS_PER_TOKEN, LONG_TEXT_CHARACTERS, Annotator, Task
from nerve.service.budget import MemoryBudget
from nerve.service.engine.batcher import Batcher
from nerve.service.errors import DeadlineError, UnavailableError
from tests.support.fakes import CapitalisedWords, DirectEngine, FakeWindow, served

pytestmark = pytest.mark.anyio

LONG = "word " * LONG_TEXT_CHARACTERS


class AnnouncedBatcher(Batcher):
    """Remembers how many tokens are announced now."""

    announced_now = 0

    @contextmanager
    def announced(self, tokens: int) -> Iterator[None]:
        with super().announced(tokens):
            self.announced_now += tokens
            yield
        self.announced_now -= tokens


@asynccontextmanager
async def annotating(
    queue_tokens: int = 2**20, seconds: float = 10
) -> AsyncIterator[tuple[Annotator, AnnouncedBatcher]]:
    batcher = AnnouncedBatcher(DirectEngine(), queue_tokens, queue_tokens)
    batcher.start()
    annotator = Annotator(batcher, MemoryBudget(2**30), 2**20, seconds)
    yield annotator, batcher
    annotator.close()
    await batcher.close(0)


async def entities(annotator: Annotator, recognizer: Any, texts: Sequence[str]) -> list[list[Entity]]:
    with annotator.work(sum(map(len, texts))) as work:
        annotations = await work.annotate([Task(text, [served(recognizer=recognizer)]) for text in texts])
        return [annotation.entities for annotation in annotations]


async def test_a_long_text_has_its_place_in_the_queue_while_it_is_read() -> None:
    seen: list[int] = []

    class Reading(CapitalisedWords):
        def windows_of(self, sentences: Any, **settings: Any) -> Any:
            assert threading.current_thread() is not threading.main_thread()
            seen.append(batcher.announced_now)
            return super().windows_of(sentences, **settings)

    async with annotating() as (annotator, batcher):
        await entities(annotator, Reading(), [LONG])
        assert seen == [len(LONG) // CHARACTERS_PER_TOKEN]
        assert batcher.announced_now == 0


async def test_a_long_text_without_a_place_is_refused_before_it_is_read() -> None:
    class Unread(CapitalisedWords):
        def windows_of(self, sentences: Any, **_: Any) -> Any:
            raise AssertionError(sentences)

    async with annotating(queue_tokens=100) as (annotator, _):
        with pytest.raises(UnavailableError, match="the queue is full"):
            await entities(annotator, Unread(), [LONG])


async def test_all_work_on_a_long_text_is_done_in_one_thread_and_on_a_short_one_where_it_is() -> None:
    async with annotating() as (annotator, _):
        names = {}
        for text in ("short", LONG):
            with annotator.work(len(text)) as work:
                await work.annotate([Task(text, [served()])])
                names[text] = [await work.compute(lambda: threading.current_thread().name) for _ in range(2)]
        assert names["short"] == [threading.current_thread().name] * 2
        assert names[LONG] == ["long-texts_0"] * 2


async def test_all_work_on_a_request_has_one_deadline() -> None:
    async with annotating(seconds=0.05) as (annotator, _):
        with annotator.work(len(LONG)) as work:
            await asyncio.sleep(0.06)
            with pytest.raises(DeadlineError):
                await work.compute(lambda: None)


async def test_the_garbage_collector_is_paused_while_long_texts_are_under_way_and_then_goes_on() -> None:
    seen: list[bool] = []

    class Reading(CapitalisedWords):
        def windows_of(self, sentences: Any, **settings: Any) -> Any:
            seen.append(gc.isenabled())
            return super().windows_of(sentences, **settings)

    async with annotating() as (annotator, _):
        await entities(annotator, Reading(), ["short"])
        await asyncio.gather(*(entities(annotator, Reading(), [LONG]) for _ in range(2)))
        assert seen == [True, False, False]
        assert gc.isenabled()


class Twice(CapitalisedWords):
    """Has every window in capitals tagged a second time, as a window with the first word of the text."""

    def revisions(self, windows: Any, _taggings: Any) -> dict[int, Any]:
        first = windows[0].tokens[:1] if windows else ()
        return {n: FakeWindow(first) for n, window in enumerate(windows) if window.tokens[0].text.isupper()}


async def test_windows_are_tagged_again_as_the_recognizer_asks() -> None:
    batches: list[int] = []

    class Counting(Twice):
        def tag(self, windows: Any) -> Any:
            batches.append(len(windows))
            return super().tag(windows)

    async with annotating() as (annotator, _):
        found = await entities(annotator, Counting(), ["Ann\n\nBOB", "ANN\n\nBob"])
        assert batches == [4, 2]
        assert [[one.label for one in of_text] for of_text in found] == [["PER", "PER"], ["LOC", "PER"]]


async def test_without_context_the_recognizer_is_told_so() -> None:
    told: list[bool] = []

    class Told(CapitalisedWords):
        def windows_of(self, sentences: Any, *, context: bool = True) -> Any:
            told.append(context)
            return super().windows_of(sentences, context=context)

    async with annotating() as (annotator, _):
        with annotator.work(3) as work:
            models = [served(recognizer=Told())]
            await work.annotate([Task("Ann", models), Task("Ann", models, context=False)])
        assert told == [True, False]


async def test_what_was_admitted_once_is_not_refused_the_second_time() -> None:
    class Filling(Twice):
        def revisions(self, windows: Any, taggings: Any) -> dict[int, Any]:
            batcher.admission.queue_tokens = 0
            return super().revisions(windows, taggings)

    async with annotating() as (annotator, batcher):
        ((entity,),) = await entities(annotator, Filling(), ["BOB"])
        assert entity.text == "BOB"

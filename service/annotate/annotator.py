"""One request's road through the service: texts become windows, windows taggings, taggings entities.

Called by the routes. All but the tagging is plain Python work; for a long text it takes up to half a second,
so then it happens in a thread of its own and the event loop stays free for the others.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nerve.model.annotation import Entity
from nerve.service.annotate.document import Annotation, Document, Source, characters, read
from nerve.service.engine import memory as heap
from nerve.service.engine.batcher import Batcher
from nerve.service.engine.registry import Recognizer
from nerve.service.errors import DeadlineError, TooLargeError
from nerve.service.observability import record as trace

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window

# About 5 ms of tokenizing: below it, the way to a thread and back costs more than the loop gains.
LONG_TEXT_CHARACTERS = 10_000

# About as many of prose, with the space: for what has to be known of a text before it is read.
CHARACTERS_PER_TOKEN = 5

Result = TypeVar("Result")


class Task(NamedTuple):
    """A source and who is to read it."""

    source: Source
    recognizer: Recognizer


class Annotator:
    """`max_tokens` bounds the texts of one request together, `deadline_seconds` the time to their entities."""

    def __init__(self, batcher: Batcher, max_tokens: int, deadline_seconds: float) -> None:
        self._batcher = batcher
        self._max_tokens = max_tokens
        self._deadline_seconds = deadline_seconds
        self._collector = heap.Rest()
        # One thread: several would only share the interpreter lock, and make the loop wait for each of them.
        self._long_texts = ThreadPoolExecutor(1, thread_name_prefix="long-texts")

    async def entities(self, recognizer: Recognizer, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, with code-point offsets. Raises what `annotate` does."""
        tasks = [Task(text, recognizer) for text in texts]
        return await self.annotate(tasks, lambda annotations: [one.entities for one in annotations])

    async def annotate(
        self, tasks: Sequence[Task], finish: Callable[[list[Annotation]], Result], finish_characters: int = 0
    ) -> Result:
        """What `finish` makes of the annotated documents, one for each task. It is called where their entities were
        found, and has `finish_characters` to read besides the texts.

        Raises TooLargeError for more tokens than the limit, DeadlineError, and what `finish` and `Batcher.submit` do.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        read = sum(characters(source) for source, _ in tasks)
        if read + finish_characters <= LONG_TEXT_CHARACTERS:
            return await self._annotated(tasks, finish, deadline, read, long=False)
        with self._collector:
            return await self._annotated(tasks, finish, deadline, read, long=True)

    async def _annotated(
        self,
        tasks: Sequence[Task],
        finish: Callable[[list[Annotation]], Result],
        deadline: float,
        read: int,
        *,
        long: bool,
    ) -> Result:
        if long:
            # While they wait to be read they take memory, and soon the engine's time: they count as waiting already.
            with self._batcher.announced(min(read // CHARACTERS_PER_TOKEN, self._max_tokens)):
                readings = await self._in_thread(deadline, lambda: [_reading(task) for task in tasks])
        else:
            readings = [_reading(task) for task in tasks]
        counts = trace.current().models
        tokens = 0
        for reading in readings:
            count, length = counts[reading.recognizer.name], sum(map(len, reading.windows))
            count.texts += 1
            count.tokens += length
            tokens += length
        if tokens > self._max_tokens:
            message = f"the request has {tokens:,} tokens; the limit is {self._max_tokens:,}"
            raise TooLargeError(message, reason="too_many_tokens")
        taggings = await self._tagged(readings, deadline)

        def finished() -> tuple[list[list[str]], Result]:
            annotations = [
                Annotation(document, recognizer.entities(document.text, windows, of_document))
                for (recognizer, document, windows), of_document in zip(readings, taggings, strict=True)
            ]
            return [[entity.label for entity in one.entities] for one in annotations], finish(annotations)

        found, result = await self._in_thread(deadline, finished) if long else finished()
        for reading, labels in zip(readings, found, strict=True):
            counts[reading.recognizer.name].entities.update(labels)
        return result

    async def _tagged(self, readings: "Sequence[_Reading]", deadline: float) -> "list[list[Tagging]]":
        """The taggings of each reading's windows. The engine runs one model at a time, so several are asked one after
        the other."""
        if len(readings) == 1:
            return [await self._batcher.submit(readings[0].recognizer, readings[0].windows, deadline)]
        taggings: dict[Recognizer, Iterator[Tagging]] = {}
        for recognizer in dict.fromkeys(reading.recognizer for reading in readings):
            windows = [reading.windows for reading in readings if reading.recognizer is recognizer]
            taggings[recognizer] = iter(await self._batcher.submit(recognizer, [*chain(*windows)], deadline))
        return [[*islice(taggings[reading.recognizer], len(reading.windows))] for reading in readings]

    async def computed(self, characters: int, compute: Callable[[], Result]) -> Result:
        """What `compute` returns. It is plain Python work on about so many characters, and done where it holds up
        nobody. Raises DeadlineError."""
        if characters <= LONG_TEXT_CHARACTERS:
            return compute()
        return await self._in_thread(asyncio.get_running_loop().time() + self._deadline_seconds, compute)

    async def _in_thread(self, deadline: float, compute: Callable[[], Result]) -> Result:
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._long_texts, compute)
        except TimeoutError:
            raise DeadlineError("the deadline passed before the answer") from None

    def close(self) -> None:
        self._long_texts.shutdown(wait=False, cancel_futures=True)


class _Reading(NamedTuple):
    """A document on its way through a recognizer."""

    recognizer: Recognizer
    document: Document
    windows: "Sequence[Window]"


def _reading(task: Task) -> _Reading:
    document = read(task.source)
    return _Reading(task.recognizer, document, task.recognizer.windows_of(document.sentences))

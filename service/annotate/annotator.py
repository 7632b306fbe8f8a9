"""The way of a request's texts: texts become windows, windows become taggings, taggings become entities.

The routes begin a `Work` for each request. All of it but the tagging is plain Python, which takes up to half a second
for a long text; for long texts it is done in a thread of its own, so that the event loop stays free for other
requests.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain, islice
from operator import attrgetter
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nerve.model.annotation import Entity
from nerve.model.languages import division
from nerve.service.annotate.document import Annotation, Document, Source, characters, read
from nerve.service.budget import BYTES_PER_TOKEN, MemoryBudget
from nerve.service.engine.batcher import Batcher
from nerve.service.engine.memory import GarbageCollectorPause
from nerve.service.engine.registry import Recognizer, ServedModel
from nerve.service.errors import DeadlineError, too_many_tokens
from nerve.service.observability import record

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window

# About 5 ms of tokenizing: for less, the way to a thread and back costs more than the event loop gains.
LONG_TEXT_CHARACTERS = 10_000

# Characters of a token of prose and the space after it, to estimate a text's tokens before it is tokenized.
CHARACTERS_PER_TOKEN = 5

Result = TypeVar("Result")


class Task(NamedTuple):
    """A source, the models that read it, and whether a sentence of it may learn from the others.

    The first model reads all sentences that it can read, each of the others what suits it best of the rest.
    """

    source: Source
    models: Sequence[ServedModel]
    context: bool = True


class Annotator:
    """Makes annotations of texts, with the batcher and one thread for long texts."""

    def __init__(self, batcher: Batcher, memory: MemoryBudget, max_tokens: int, deadline_seconds: float) -> None:
        """Make an annotator.

        Args:
            batcher: Tags the windows.
            memory: Counts what the tokens take.
            max_tokens: The limit of the tokens of all texts of a request.
            deadline_seconds: The time that a request's work may take.
        """
        self.batcher = batcher
        self.memory = memory
        self.max_tokens = max_tokens
        self.deadline_seconds = deadline_seconds
        self.collector = GarbageCollectorPause()
        # One thread: several would only share the interpreter lock, and the event loop would wait for each of them.
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="long-texts")

    def work(self, size: int) -> "Work":
        """Begin the work on a request with `size` characters, as a context; its deadline begins now."""
        return Work(self, size)

    async def compute(self, size: int, function: Callable[[], Result]) -> Result:
        """Return what `function` returns, as `Work.compute` does for a request of `size` characters."""
        if size <= LONG_TEXT_CHARACTERS:
            return function()
        with self.work(size) as work:
            return await work.compute(function)

    def close(self) -> None:
        """Begin no more work in the thread."""
        self.thread.shutdown(wait=False, cancel_futures=True)


class Work:
    """The work on one request: it has one deadline, and all of it is done in one thread.

    While a long request is under way, the garbage collector is paused.
    """

    def __init__(self, annotator: Annotator, size: int) -> None:
        """Take the annotator that does the work, and the number of characters that the request has in all."""
        self._annotator = annotator
        self._deadline = asyncio.get_running_loop().time() + annotator.deadline_seconds
        self._long = size > LONG_TEXT_CHARACTERS
        self._collector = annotator.collector if self._long else nullcontext()
        self._holding = annotator.memory.hold()

    def __enter__(self) -> "Work":
        """Pause the collector if the request is long."""
        self._collector.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """Let the collector go on, and give back the memory of the tokens."""
        self._collector.__exit__(kind, error, frames)
        self._holding.__exit__(kind, error, frames)

    async def compute(self, function: Callable[[], Result]) -> Result:
        """Return what `function` returns, which is called in the thread if the request is long.

        Raises:
            DeadlineError: The deadline has passed first.
        """
        if not self._long:
            return function()
        try:
            async with asyncio.timeout_at(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._annotator.thread, function)
        except TimeoutError:
            raise DeadlineError("the deadline passed before the answer") from None

    async def annotate(self, tasks: Sequence[Task]) -> list[Annotation]:
        """Return the annotated documents, one for each task, and count them in the record of the request.

        Raises:
            TooLargeError: The texts have more tokens than the limit.
            DeadlineError: The deadline has passed first.
            UnavailableError: The queue or the memory is full, or the wait would be too long.
            EngineError: The engine failed.
        """
        readings = await self._read(tasks)
        counts = record.current().models
        tokens = 0
        parts = [*chain.from_iterable(readings)]
        for reading in readings:
            counts[reading[0].model.name].texts += 1
        for part in parts:
            counts[part.model.name].tokens += part.tokens
            tokens += part.tokens
        if tokens > self._annotator.max_tokens:
            raise too_many_tokens(tokens, self._annotator.max_tokens)
        self._holding.resize(BYTES_PER_TOKEN * tokens)
        taggings = await self._tag(parts)

        def annotations() -> tuple[list[Annotation], list[list[str]]]:
            found = [
                part.model.recognizer.entities(part.document.text, part.windows, of_part)
                for part, of_part in zip(parts, taggings, strict=True)
            ]
            of_parts = iter(found)
            annotated = [
                Annotation(reading[0].document, _in_order([*islice(of_parts, len(reading))])) for reading in readings
            ]
            return annotated, [[entity.label for entity in of_part] for of_part in found]

        annotated, labels = await self.compute(annotations)
        for part, of_part in zip(parts, labels, strict=True):
            counts[part.model.name].entities.update(of_part)
        return annotated

    async def _read(self, tasks: Sequence[Task]) -> "list[list[_Part]]":
        if not self._long:
            return _readings(tasks, self._annotator.max_tokens)
        # Texts that wait to be read take memory, and will soon take the engine's time: they count as queued already.
        size = sum(characters(task.source) for task in tasks)
        tokens = min(size // CHARACTERS_PER_TOKEN, self._annotator.max_tokens)
        self._holding.resize(BYTES_PER_TOKEN * tokens)
        with self._annotator.batcher.announced(tokens):
            return await self.compute(lambda: _readings(tasks, self._annotator.max_tokens))

    async def _tag(self, parts: "Sequence[_Part]") -> "list[list[Tagging]]":
        """Return the taggings of each part's windows; some are tagged twice (see `nerve.model.context`)."""
        taggings = await self._run([(part.model.recognizer, part.windows) for part in parts])
        revisions = await self.compute(
            lambda: [
                part.model.recognizer.revisions(part.windows, of_part)
                for part, of_part in zip(parts, taggings, strict=True)
            ]
        )
        if any(revisions):
            again = [(one.model.recognizer, [*of_one.values()]) for one, of_one in zip(parts, revisions, strict=True)]
            for first, numbers, second in zip(
                taggings, revisions, await self._run(again, admitted=True), strict=True
            ):
                for number, tagging in zip(numbers, second, strict=True):
                    first[number] = tagging
        return taggings

    async def _run(
        self, parts: "Sequence[tuple[Recognizer, Sequence[Window]]]", *, admitted: bool = False
    ) -> "list[list[Tagging]]":
        """Return the taggings of each part; the engine runs one model at a time, one after the other."""
        taggings: dict[Recognizer, Iterator[Tagging]] = {}
        for recognizer in dict.fromkeys(recognizer for recognizer, _ in parts):
            windows = [*chain(*(windows for own, windows in parts if own is recognizer))]
            submitted = self._annotator.batcher.submit(recognizer, windows, self._deadline, admitted=admitted)
            taggings[recognizer] = iter(await submitted)
        return [[*islice(taggings[recognizer], len(windows))] for recognizer, windows in parts]


class _Part(NamedTuple):
    """A document, and its sentences for one model, as windows."""

    document: Document
    model: ServedModel
    windows: "Sequence[Window]"
    tokens: int
    """how many take memory: those in several windows count again, and so do those that are in none"""


def _readings(tasks: Sequence[Task], most: int) -> list[list[_Part]]:
    """Return the parts of each task, up to the one with which there are more tokens than `most`."""
    readings = []
    for task in tasks:
        reading = _parts(read(task.source, most), task)
        readings.append(reading)
        most -= sum(part.tokens for part in reading)
        if most < 0:
            break
    return readings


def _parts(document: Document, task: Task) -> list[_Part]:
    """Return the parts of a document: that of the first model, and those of the others that have one."""
    parts: list[_Part] = []
    of_models = division([model.languages for model in task.models], document.sentences)
    for model, sentences in zip(task.models, of_models, strict=True):
        if sentences or not parts:
            windows = model.recognizer.windows_of(sentences, context=task.context)
            tokens = max(sum(map(len, windows)), sum(map(len, sentences)))
            parts.append(_Part(document, model, windows, tokens))
    return parts


def _in_order(of_parts: Sequence[list[Entity]]) -> list[Entity]:
    """Return the entities of all parts of a document; no sentence is in two of them."""
    if len(of_parts) == 1:
        return of_parts[0]
    return sorted(chain.from_iterable(of_parts), key=attrgetter("start"))

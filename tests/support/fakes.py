"""Fakes of the two interfaces of the service: recognizers without torch, and engines that a test controls."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nerve.model.annotation import Entity, Token
from nerve.service.engine.registry import ServedModel


class FakeWindow(NamedTuple):
    tokens: tuple[Token, ...]

    def __len__(self) -> int:
        return len(self.tokens)


class FakeTagging(NamedTuple):
    tag_ids: list[int]
    confidences: list[float]


class CapitalisedWords:
    """Finds capitalised words as PER with 0.9, words in capitals as LOC with 0.4. A window is a line."""

    name = "fake"
    labels: tuple[str, ...] = ("LOC", "PER")

    def windows(self, text: str) -> list[FakeWindow]:
        windows, start = [], 0
        for line in text.split("\n"):
            tokens, place = [], start
            for word in line.split(" "):
                if word.strip():
                    tokens.append(Token(word, place, place + len(word)))
                place += len(word) + 1
            start += len(line) + 1
            if tokens:
                windows.append(FakeWindow(tuple(tokens)))
        return windows

    def windows_of(self, sentences: Sequence[Sequence[Token]], *, context: bool = True) -> list[FakeWindow]:  # noqa: ARG002
        return [FakeWindow(tuple(sentence)) for sentence in sentences]

    def revisions(self, _windows: Any, _taggings: Any) -> dict[int, FakeWindow]:
        return {}

    def tag(self, windows: Sequence[FakeWindow]) -> list[FakeTagging]:
        kinds = [[self._kind(token.text) for token in window.tokens] for window in windows]
        return [FakeTagging(row, [(0.0, 0.9, 0.4)[kind] for kind in row]) for row in kinds]

    def entities(self, text: str, windows: Sequence[FakeWindow], taggings: Sequence[FakeTagging]) -> list[Entity]:
        return [
            Entity(token.start, token.end, ("", "PER", "LOC")[kind], text[token.start : token.end], score)
            for window, tagging in zip(windows, taggings, strict=True)
            for token, kind, score in zip(window.tokens, *tagging, strict=True)
            if kind
        ]

    def _kind(self, word: str) -> int:
        return 2 if word.isupper() else 1 if word[0].isupper() else 0


class Decided:
    """Finds entities in the same places of every text."""

    name = "fake"

    def __init__(self, *places: tuple[int, int, str]) -> None:
        self.labels = tuple(label for _, _, label in places)
        self._places = places

    def windows_of(self, _sentences: Sequence[Sequence[Token]], *, context: bool = True) -> list[FakeWindow]:  # noqa: ARG002
        return []

    def revisions(self, _windows: Any, _taggings: Any) -> dict[int, FakeWindow]:
        return {}

    def tag(self, _windows: Sequence[FakeWindow]) -> list[FakeTagging]:
        return []

    def entities(self, text: str, _windows: Any, _taggings: Any) -> list[Entity]:
        return [Entity(start, end, label, text[start:end], 0.5) for start, end, label in self._places]


def served(name: str = "fake", recognizer: Any = None, language: str = "en") -> ServedModel:
    card = {
        "language": language,
        "licence": "CC0-1.0",
        "description": "capitals",
        "datasets": [],
        "scores": {"dev": 1.0},
    }
    recognizer = recognizer or CapitalisedWords()
    recognizer.name = name
    return ServedModel(name, recognizer, card)


class DirectEngine:
    """Runs each batch at once and remembers it."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []

    async def run(self, recognizer: Any, windows: Sequence[Any]) -> list[Any]:
        self.batches.append(list(windows))
        return recognizer.tag(windows)


class HeldEngine:
    """Holds each batch until the test, in another thread, calls `release`; after `hold`, the next ones too."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.started = threading.Event()
        self._gate = threading.Event()

    def release(self) -> None:
        self._gate.set()

    def hold(self) -> None:
        self._gate.clear()

    async def run(self, recognizer: Any, windows: Sequence[Any]) -> list[Any]:
        self.batches.append(list(windows))
        self.started.set()
        await asyncio.to_thread(self._gate.wait, 20)
        return recognizer.tag(windows)


class SteppedEngine:
    """Gives each batch to the test, in the same event loop, which finishes it or makes it fail."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self._ends: list[asyncio.Future[None]] = []
        self._begun = asyncio.Event()

    async def run(self, recognizer: Any, windows: Sequence[Any]) -> list[Any]:
        self.batches.append(list(windows))
        end = asyncio.get_running_loop().create_future()
        self._ends.append(end)
        self._begun.set()
        await end
        return recognizer.tag(windows)

    async def batch(self, number: int) -> list[Any]:
        """Return the batch with this number when the engine has it."""
        async with asyncio.timeout(10):
            while len(self.batches) <= number:
                self._begun.clear()
                await self._begun.wait()
        return self.batches[number]

    def finish(self, number: int) -> None:
        self._ends[number].set_result(None)

    def fail(self, number: int, error: BaseException) -> None:
        self._ends[number].set_exception(error)


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Return whether `holds` becomes true within `seconds`."""
    pause, deadline, wait = threading.Event(), time.monotonic() + seconds, 0.01
    while not holds():
        if time.monotonic() >= deadline:
            return False
        pause.wait(wait)
        wait = min(2 * wait, 0.05)  # what is waited for needs the cores, too
    return True

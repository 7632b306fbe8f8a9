"""One request's windows on their way through the batcher."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nerve.service.engine.registry import Recognizer

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window


class Item(NamedTuple):
    """A window on its way through the engine."""

    job: "Job"
    position: int
    length: int


class Job:
    """The windows of one `submit`: which of them wait, which are tagged, and the answer they add up to."""

    def __init__(
        self,
        recognizer: Recognizer,
        windows: "Sequence[Window]",
        deadline: float,
        answer: "asyncio.Future[list[Tagging]]",
        submitted: float,
    ) -> None:
        self.recognizer = recognizer
        self.windows = windows
        self.deadline = deadline
        self.answer = answer
        self.submitted = submitted
        self.begun = False
        self._lengths = [len(window) for window in windows]
        # The positions of the windows that wait, the next one last. Sorted, so that those which a long document
        # puts into one batch are of one length and need no padding.
        self.waiting = sorted(range(len(windows)), key=self._lengths.__getitem__)
        self.waiting_tokens = sum(self._lengths)
        self._taggings: list[Tagging | None] = [None] * len(windows)
        self._untagged = len(windows)

    @property
    def next_length(self) -> int:
        return self._lengths[self.waiting[-1]]

    def take(self) -> Item:
        position = self.waiting.pop()
        self.waiting_tokens -= self._lengths[position]
        return Item(self, position, self._lengths[position])

    def put(self, position: int, tagging: "Tagging") -> None:
        self._taggings[position] = tagging
        self._untagged -= 1
        if not self._untagged and not self.answer.done():
            self.answer.set_result([tagging for tagging in self._taggings if tagging is not None])

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def drop(self) -> None:
        self.waiting.clear()
        self.waiting_tokens = 0
        if self.answer.done() and not self.answer.cancelled():
            self.answer.exception()  # asyncio complains of an error nobody looked at, as when its client left

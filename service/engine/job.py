"""One request in the queue: which of its windows wait, and the taggings of those that the engine has run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nerve.service.engine.registry import Recognizer

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window


class ScheduledWindow(NamedTuple):
    """A window in a batch: whose it is, its position among that job's windows, and its length in tokens."""

    job: "Job"
    position: int
    length: int


class Job:
    """The windows of one request.

    Args:
        recognizer: runs the windows.
        windows: in the order in which their taggings are to come back.
        deadline: when the answer is worthless, in seconds of the caller's clock.
        submitted: when the job was made, in seconds of the same clock.
    """

    __slots__ = (
        "_lengths",
        "_missing",
        "_taggings",
        "deadline",
        "recognizer",
        "started",
        "submitted",
        "waiting",
        "waiting_tokens",
        "windows",
    )

    def __init__(
        self, recognizer: Recognizer, windows: "Sequence[Window]", deadline: float, submitted: float
    ) -> None:
        self.recognizer = recognizer
        self.windows = windows
        self.deadline = deadline
        self.submitted = submitted
        self.started = False
        self._lengths = [len(window) for window in windows]
        # The positions of the windows that wait, the next one last. They are sorted by length, so that the windows
        # that a long document puts into one batch are of about one length and need little padding.
        self.waiting = sorted(range(len(windows)), key=self._lengths.__getitem__)
        self.waiting_tokens = sum(self._lengths)
        self._taggings: list[Tagging | None] = [None] * len(windows)
        self._missing = len(windows)

    @property
    def next_length(self) -> int:
        """Tokens of the window that `take` would give next."""
        return self._lengths[self.waiting[-1]]

    def take(self) -> ScheduledWindow:
        """Remove the next window from those that wait, and return it."""
        position = self.waiting.pop()
        length = self._lengths[position]
        self.waiting_tokens -= length
        return ScheduledWindow(self, position, length)

    def drop(self) -> None:
        """Give up the windows that wait."""
        self.waiting.clear()
        self.waiting_tokens = 0

    def put(self, position: int, tagging: "Tagging") -> bool:
        """Store the tagging of the window at this position, and say whether every window has one now."""
        self._taggings[position] = tagging
        self._missing -= 1
        return not self._missing

    @property
    def taggings(self) -> "list[Tagging]":
        """The taggings of a complete job, in the order of its windows."""
        return [tagging for tagging in self._taggings if tagging is not None]

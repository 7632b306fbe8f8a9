"""The running service: its parts, and whether it answers. Every route gets it."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from nerve.service.annotate.annotator import CHARACTERS_PER_TOKEN, Annotator
from nerve.service.budget import MemoryBudget
from nerve.service.engine.batcher import Batcher, stopped
from nerve.service.engine.registry import Registry, ServedModel
from nerve.service.http.keys import Keys
from nerve.service.observability.metrics import Metrics
from nerve.service.settings import Settings

# A longer body may hold many tokens, or few: its length says no more than this.
MOST_PRESUMED_TOKENS = 64


class ModelReloader(Protocol):
    """What a route needs of `nerve.service.engine.reloader.Reloader`."""

    async def model(self, name: str) -> tuple[ServedModel, bool]:
        """Reload a model; return it as it is now, and whether its archive had changed."""
        ...


@dataclass
class Service:
    """The parts of the running service, and its state.

    Attributes:
        settings: The settings.
        registry: The models.
        batcher: Tags windows.
        annotator: Makes annotations of texts.
        memory: What the requests hold of the memory.
        metrics: The metrics of this process.
        keys: The API keys; a reload replaces them.
        reloader: Replaces models; set by the application, because it changes the service.
        draining: Whether the process has been told to stop.
        closing: Whether the process is closing its port.
        stopping: Set in the event loop soon after `closing`, for tasks that wait for something else.
    """

    settings: Settings
    registry: Registry
    batcher: Batcher
    annotator: Annotator
    memory: MemoryBudget
    metrics: Metrics
    keys: Keys
    reloader: ModelReloader = field(init=False)
    draining: bool = False
    closing: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ready(self) -> bool:
        """Whether the service answers and is not about to stop."""
        return self.batcher.alive and not self.draining

    def check_room(self, body_bytes: int) -> None:
        """Check, before a request is read, whether a body of this length has a chance to be answered.

        The batcher checks again when the tokens of the request are known.

        Raises:
            UnavailableError: The queue is full, or the wait would be too long.
        """
        self.batcher.check(_presumed_tokens(body_bytes), self.settings.deadline_seconds)

    def reason_to_refuse(self, body_bytes: int) -> str:
        """Return the reason of the error that `check_room` would raise, or an empty string."""
        return self.batcher.admission.reason_to_refuse(_presumed_tokens(body_bytes), self.settings.deadline_seconds)

    def let_in(self, body_bytes: int) -> None:
        """Count a request as if it waited, until the event loop has come to what it has been told before.

        To be called right before the task of the request is made, which begins then.
        """
        admission, tokens = self.batcher.admission, _presumed_tokens(body_bytes)
        admission.let_in(tokens)
        asyncio.get_running_loop().call_soon(admission.arrived, tokens)

    def check_ready(self) -> None:
        """Raise UnavailableError if the service is not ready."""
        if not self.ready:
            raise stopped(self.draining)

    def check_open(self) -> None:
        """Raise UnavailableError if no new work may begin."""
        if self.closing or not self.batcher.alive:
            raise stopped(self.closing)


def _presumed_tokens(body_bytes: int) -> int:
    return min(body_bytes // CHARACTERS_PER_TOKEN, MOST_PRESUMED_TOKENS)

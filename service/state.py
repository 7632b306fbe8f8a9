"""The running service: what the application is made of, and whether it answers. The routes are given it."""

import asyncio
from dataclasses import dataclass, field

from nerve.service.annotate.annotator import CHARACTERS_PER_TOKEN, Annotator
from nerve.service.engine.batcher import Batcher, stopped
from nerve.service.engine.registry import Registry
from nerve.service.http.keys import Keys
from nerve.service.observability.metrics import Metrics
from nerve.service.settings import Settings

MOST_PRESUMED_TOKENS = 64


@dataclass
class Service:
    """What the routes use. `draining` is set when the process has been told to stop, `closing` when it closes the
    port, and soon after, in the event loop, `stopping`: for those who wait for something else meanwhile."""

    settings: Settings
    registry: Registry
    batcher: Batcher
    annotator: Annotator
    metrics: Metrics
    keys: Keys
    draining: bool = False
    closing: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ready(self) -> bool:
        return self.batcher.alive and not self.draining

    def check_room(self, body_bytes: int) -> None:
        """Raises UnavailableError, before anything of its body is looked at, where a request with texts would be
        refused once they are read."""
        # Of a long body it cannot be told what it holds; the batcher is asked again when that is known.
        tokens = min(body_bytes // CHARACTERS_PER_TOKEN, MOST_PRESUMED_TOKENS)
        self.batcher.check(tokens, self.settings.deadline_seconds)

    def check_ready(self) -> None:
        """Raises UnavailableError where the service is not ready."""
        if not self.ready:
            raise stopped(self.draining)

    def check_open(self) -> None:
        """Raises UnavailableError where nothing new may begin."""
        if self.closing or not self.batcher.alive:
            raise stopped(self.closing)

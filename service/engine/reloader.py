"""Replaces a served model when its archive has changed on disk.

The new archive is loaded, checked and warmed up beside the old one, which answers until then. The registry changes
between two requests: those in flight finish with the model they began with, and its memory is freed when the last of
them has finished. An archive that cannot be served, or cannot be read in time, changes nothing.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from nerve.service.engine.engine import Engine
from nerve.service.engine.loader import load_model
from nerve.service.engine.memory import freeze_garbage_collector
from nerve.service.engine.one_thread import OneThread, StillRunningError
from nerve.service.engine.registry import Registry, ServedModel, Stamp
from nerve.service.errors import ConflictError
from nerve.service.settings import Settings, StartError

log = logging.getLogger(__name__)


class Counter(Protocol):
    """What a reload counts with."""

    def inc(self) -> None:
        """Count one more."""


class Reloader:
    """One reload of a model runs at a time. Others wait for it, and then mostly find that nothing has changed.

    Each model is reloaded by a thread of its own, because a file system that has gone may hold it up for ever.

    Args:
        registry: the models that are served.
        engine: in whose thread a new model is checked and warmed up.
        settings: how to load an archive, in which time, and the number of workers.
        reloads: the counter for a model's name and an outcome: `reloaded`, `unchanged` or `refused`.
    """

    def __init__(
        self, registry: Registry, engine: Engine, settings: Settings, reloads: Callable[[str, str], Counter]
    ) -> None:
        self._registry = registry
        self._engine = engine
        self._settings = settings
        self._reloads = reloads
        self._threads = {model.name: OneThread(f"reload {model.name}") for model in registry.models}
        self._locks = {model.name: asyncio.Lock() for model in registry.models}

    async def model(self, name: str) -> tuple[ServedModel, bool]:
        """Reload one model if its archive has changed.

        Returns:
            The model that is served under this name now, and whether it is a new one.

        Raises:
            NotFoundError: if no model has this name.
            ConflictError: if the archive on disk cannot be served, or is not read in time.
        """
        self._registry.named(name)
        async with self._locks[name]:
            served = self._registry.named(name)
            outcome = "refused"
            try:
                model = await self._threads[name].run(lambda: self._load(served), self._settings.reload_seconds)
                if model is not None:
                    self._registry.replace(model)
                    freeze_garbage_collector()
                outcome = "unchanged" if model is None else "reloaded"
            except (StartError, StillRunningError) as error:
                # The path is for the operator, who has the log; a client needs the fact only.
                log.error("model %s was not reloaded: %s", name, error)
                path = str(served.stamp.path)
                fact = str(error).removeprefix(f"{path}: ").replace(path, "the archive")
                raise ConflictError(f"model {name} was not reloaded: {fact}") from None
            finally:
                self._reloads(name, outcome).inc()
            now = self._registry.named(name)
        log.info("model %s: archive %s, sha256 %s", name, outcome, now.digest)
        return now, outcome == "reloaded"

    async def all_models(self) -> None:
        """Reload each model whose archive has changed. Archives that cannot be served are logged."""

        async def reload(name: str) -> None:
            with suppress(ConflictError):  # it has been logged
                await self.model(name)

        await asyncio.gather(*(reload(model.name) for model in self._registry.models))

    def tell_others(self) -> None:
        """Let the other workers, if there are any, look for what has changed as well."""
        if self._settings.workers > 1:
            os.kill(os.getppid(), signal.SIGHUP)

    def _load(self, served: ServedModel) -> ServedModel | None:
        """The model that is in the archive now; None if the archive has not changed."""
        if Stamp.of(served.stamp.path) == served.stamp:
            return None
        model = load_model(served.stamp.path, self._settings, self._engine)
        if model.name != served.name:
            raise StartError(f"the archive now holds a model named {model.name}: restart the service to serve it")
        return model

"""Replaces a served model when its archive has changed on disk.

The new archive is loaded, checked and warmed up beside the old one, which answers until then. The registry changes
between two requests: those in flight finish with the model they began with, and its memory is freed when the last of
them has finished. An archive that cannot be served, or cannot be read in time, changes nothing.

With several workers, one of them reads the archive, and all load the bytes that it read. They replace their models
when all have loaded it; if one cannot, none does (`nerve.service.server.rollout`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from nerve.service.engine.engine import Engine
from nerve.service.engine.loader import load_model
from nerve.service.engine.memory import free_replaced
from nerve.service.engine.one_thread import OneThread, StillRunningError
from nerve.service.engine.registry import Registry, ServedModel, Stamp
from nerve.service.engine.snapshot import Snapshot
from nerve.service.errors import ConflictError
from nerve.service.settings import Settings, StartError

log = logging.getLogger(__name__)


class Counter(Protocol):
    """What a reload counts with."""

    def inc(self) -> None:
        """Count one more."""


class OtherWorkers(Protocol):
    """What a reload needs of the other workers of the service."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """A block that one worker at a time is in."""
        ...

    async def load(self, snapshot: Snapshot) -> None:
        """Wait until all others have loaded a snapshot and serve it.

        Raises:
            StartError: if one of them cannot; then none serves it.
        """
        ...


class Reloader:
    """One reload of a model runs at a time. Others wait for it, and then mostly find that nothing has changed.

    Each model is reloaded by a thread of its own, because a file system that has gone may hold it up for ever.

    Args:
        registry: the models that are served.
        engine: in whose thread a new model is checked and warmed up.
        settings: how to load an archive, and in which time.
        reloads: the counter for a model's name and an outcome: `reloaded`, `unchanged` or `refused`.
    """

    def __init__(
        self, registry: Registry, engine: Engine, settings: Settings, reloads: Callable[[str, str], Counter]
    ) -> None:
        self.others: OtherWorkers | None = None
        """The other workers, if there are any; set by the process."""
        self._registry = registry
        self._engine = engine
        self._settings = settings
        self._reloads = reloads
        self._threads = {model.name: OneThread(f"reload {model.name}") for model in registry.models}
        self._locks = {model.name: asyncio.Lock() for model in registry.models}
        self._turn_lock = asyncio.Lock()
        self._prepared: ServedModel | None = None

    async def model(self, name: str) -> tuple[ServedModel, bool]:
        """Reload one model if its archive has changed.

        Returns:
            The model that is served under this name now, and whether it is a new one.

        Raises:
            NotFoundError: if no model has this name.
            ConflictError: if the archive on disk cannot be served, or is not read in time.
        """
        self._registry.named(name)
        # A client that leaves must not stop it half-way: other workers may already serve the new model.
        reload = asyncio.create_task(self._reload(name))
        reload.add_done_callback(_look_at_error)
        return await asyncio.shield(reload)

    async def all_models(self) -> None:
        """Reload each model whose archive has changed. Archives that cannot be served are logged."""

        async def reload(name: str) -> None:
            with suppress(ConflictError):  # it has been logged
                await self.model(name)

        await asyncio.gather(*(reload(model.name) for model in self._registry.models))

    async def prepare(self, snapshot: Snapshot) -> None:
        """Load what another worker is about to serve, and keep it until `commit` or `abort`.

        Raises:
            StartError: if it cannot be served here.
        """
        (served,) = (model for model in self._registry.models if model.stamp.path == snapshot.path)
        self._prepared = await asyncio.to_thread(self._load, served, snapshot)

    def commit(self) -> None:
        """Serve what has been prepared."""
        if (model := self._prepared) is not None:
            self._prepared = None
            self._serve(model)
            self._reloads(model.name, "reloaded").inc()
            log.info("model %s: archive reloaded, sha256 %s", model.name, model.digest)

    def abort(self) -> None:
        """Drop what has been prepared."""
        self._prepared = None

    async def _reload(self, name: str) -> tuple[ServedModel, bool]:
        async with self._locks[name], self._turn():
            served = self._registry.named(name)
            outcome = "refused"
            try:
                model = await self._changed(served)
                if model is not None:
                    self._serve(model)
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

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self.others is None:
            yield
        else:
            async with self._turn_lock, self.others.turn():
                yield

    async def _changed(self, served: ServedModel) -> ServedModel | None:
        """The model of a changed archive, which all other workers have loaded, too; None if it has not changed."""
        loaded = await self._threads[served.name].run(lambda: self._read(served), self._settings.reload_seconds)
        if loaded is None:
            return None
        model, snapshot = loaded
        if snapshot is not None and self.others is not None:
            try:
                await self.others.load(snapshot)
            finally:
                snapshot.close()
        return model

    def _read(self, served: ServedModel) -> tuple[ServedModel, Snapshot | None] | None:
        """The model that is in the archive now, and what to give to other workers; None if nothing has changed."""
        path = served.stamp.path
        if Stamp.of(path) == served.stamp:
            return None
        if self.others is None:
            return self._load(served, path), None
        snapshot = Snapshot.take(path)
        try:
            return self._load(served, snapshot), snapshot
        except BaseException:
            snapshot.close()
            raise

    def _load(self, served: ServedModel, source: Path | Snapshot) -> ServedModel:
        model = load_model(source, self._settings, self._engine)
        if model.name != served.name:
            raise StartError(f"the archive now holds a model named {model.name}: restart the service to serve it")
        return model

    def _serve(self, model: ServedModel) -> None:
        self._registry.replace(model)
        free_replaced()


def _look_at_error(reload: asyncio.Task[tuple[ServedModel, bool]]) -> None:
    """Keep asyncio from reporting an error that was logged while nobody waited for the reload any more."""
    if not reload.cancelled():
        reload.exception()

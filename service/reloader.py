"""What has changed on disk takes the place of what is in use: an archive, or the API keys.

The new one is read, checked and warmed beside the old one, which answers until then. Then the name changes hands
between two requests: those in flight finish with the model they began with, and its memory is free when the last of
them has. What is not usable changes nothing.
"""

import asyncio
import logging
import os
import signal
from contextlib import suppress

from nerve.service.engine import memory as heap
from nerve.service.engine.engine import Engine
from nerve.service.engine.loader import load_model
from nerve.service.engine.registry import ServedModel, Stamp
from nerve.service.errors import ConflictError
from nerve.service.http.keys import read_keys
from nerve.service.observability.failures import log_failure
from nerve.service.settings import StartError
from nerve.service.state import Service

log = logging.getLogger(__name__)


class Reloader:
    """One reload happens at a time; others wait for it, and then mostly find that nothing has changed."""

    def __init__(self, service: Service, engine: Engine) -> None:
        self._service = service
        self._engine = engine
        self._turn = asyncio.Lock()

    async def model(self, name: str) -> tuple[ServedModel, bool]:
        """The model called `name` as it now is, and whether its archive had changed.

        Raises NotFoundError, and ConflictError for an archive that cannot take its place.
        """
        async with self._turn:
            served = self._service.registry.named(name)
            outcome = "refused"
            try:
                changed = Stamp.of(served.stamp.path) != served.stamp
                if changed:
                    self._service.registry.replace(await self._loaded(served))
                    heap.settle()
                outcome = "reloaded" if changed else "unchanged"
            except StartError as error:
                # The path is the operator's, and in the log; a client needs the fact.
                log.error("model %s was not reloaded: %s", name, error)
                fact = str(error).removeprefix(f"{served.stamp.path}: ")
                raise ConflictError(f"model {name} was not reloaded: {fact}") from None
            finally:
                self._service.metrics.reloads(name, outcome).inc()
        model = self._service.registry.named(name)
        log.info("model %s: archive %s, sha256 %s", name, outcome, model.digest)
        return model, changed

    async def everything(self) -> None:
        """Each model and the keys. What is refused is in the log, and changes nothing."""
        try:
            for model in self._service.registry.models:
                with suppress(ConflictError):  # it is in the log, and the next may be better
                    await self.model(model.name)
            self._keys()
        except Exception as error:
            log_failure(error, "the reload")

    def tell_others(self) -> None:
        """Where there are several processes: let all of them look for what has changed."""
        if self._service.settings.workers > 1:
            os.kill(os.getppid(), signal.SIGHUP)

    async def _loaded(self, served: ServedModel) -> ServedModel:
        device = self._service.settings.device
        model = await asyncio.to_thread(load_model, served.stamp.path, device, self._engine)
        if model.name != served.name:
            raise StartError(f"the archive is now that of a model named {model.name}: only a new start can serve it")
        return model

    def _keys(self) -> None:
        if file := self._service.settings.api_keys_file:
            try:
                self._service.keys = read_keys(file)
                log.info("the API keys were read again")
            except StartError as error:
                log.error("the API keys stay as they were: %s", error)

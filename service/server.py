"""One process that answers: models, application and uvicorn around them, from the first signal to the last answer."""

import gc
import socket
import sys
from functools import partial
from types import FrameType

import uvicorn

from service import logs
from service.app import create_app
from service.engine import Engine, limit_threads
from service.listener import cannot_listen, url_of
from service.loader import load_models
from service.protocol import protocol_of
from service.settings import Settings
from service.state import Service


def run(settings: Settings, listener: socket.socket) -> None:
    """Load the models and answer on `listener`, a bound socket, until a signal says to stop. Raises StartError."""
    engine = Engine(partial(limit_threads, settings.threads))
    try:
        models = load_models(settings, engine)
        app = create_app(settings, models, engine)
        _stay_out_of_the_way()
        config = uvicorn.Config(
            app,
            http=protocol_of(app.state.service),
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=settings.drain_seconds,
        )
        _Server(config, app.state.service).run(sockets=[listener])
    finally:
        engine.close()


def _stay_out_of_the_way() -> None:
    """Of what Python does by itself, let nothing hold up requests for long (docs/performance.md)."""
    # The models stay, and are millions of objects, which the garbage collector need not walk again and again. Nearly
    # all that a request makes goes without its help, so that it may wait until there is something to collect.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 5, 5)
    # While a long text is read in its thread, the event loop asks for the interpreter many times in a request, and
    # by default waits 5 ms each time.
    sys.setswitchinterval(0.0005)


class _Server(uvicorn.Server):
    """Says where it listens once it does, and turns readiness off as soon as it is told to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        settings = self._service.settings
        try:
            await super().startup(sockets)
        except OSError as error:
            # Two processes may both be bound to a port as long as neither listens.
            await self.lifespan.shutdown()
            raise cannot_listen(settings, error) from None
        assert sockets is not None
        url = url_of(sockets[0])
        logs.announce(
            settings.log_format, f"nerve is ready: page {url}/  API {url}/v1/entities, described at {url}/docs"
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.draining = True
        super().handle_exit(sig, frame)

"""`python -m service`: settings, port, models, warm-up, then the server, each refused with one line of its own.

SIGTERM and Ctrl+C let the requests in flight finish; the process then exits with 0 and 130.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType

import uvicorn

from service.app import create_app
from service.engine import Engine
from service.registry import AUTO, ServedModel
from service.settings import Settings, SettingsError, read_settings
from service.state import Service


class StartError(Exception):
    """One line: why the service cannot start."""


def main(arguments: Sequence[str]) -> int:
    # The first process of a container ignores a SIGTERM it has no handler for.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        serve(read_settings(arguments, os.environ))
    except (SettingsError, StartError) as error:
        print(f"nerve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def serve(settings: Settings) -> None:
    """Answer requests until a signal says to stop. Raises StartError and SettingsError."""
    with bound_socket(settings) as listener:
        engine = Engine()
        try:
            models = load_models(settings, engine)
            app = create_app(settings, models, engine)
            config = uvicorn.Config(
                app,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.drain_seconds,
            )
            _Server(config, app.state.service).run(sockets=[listener])
        finally:
            engine.close()


def bound_socket(settings: Settings) -> socket.socket:
    """A socket on the settings' host and port, taken before anything slow. Raises StartError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise _cannot_listen(settings, error) from None
    return listener


def load_models(settings: Settings, engine: Engine) -> list[ServedModel]:
    """The settings' archives, loaded, checked and warm. Raises StartError for the first that is not
    usable, SettingsError where they contradict the settings."""
    for path in settings.models:
        # Said before torch's import, which takes seconds.
        if not path.is_file():
            raise StartError(f"there is no model at {path}; name one with --model or MODEL")
    from model import archive
    from model.recognizer import MAX_WINDOW, Recognizer

    if settings.batch_tokens < MAX_WINDOW:
        raise SettingsError(
            f"batch_tokens ({settings.batch_tokens:,}) is smaller than the longest window ({MAX_WINDOW:,} tokens)"
        )
    models: list[ServedModel] = []
    for path in settings.models:
        try:
            loaded = archive.load(path, _device(settings.device))
            recognizer = Recognizer(loaded)
            engine.warm_up(recognizer, loaded.self_check)
        except archive.ArchiveError as error:
            raise StartError(str(error)) from None
        if loaded.name in [model.name for model in models]:
            raise StartError(f"{path} is the second model that is named {loaded.name}")
        if loaded.name == AUTO:
            raise StartError(f"{path} is a model that is named {AUTO}, which stands for any")
        models.append(ServedModel(loaded.name, recognizer, loaded.card))
    return models


class _Server(uvicorn.Server):
    """Says where it listens once it does, and turns readiness off as soon as it is told to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except OSError as error:
            # Two processes may both be bound to a port as long as neither listens.
            await self.lifespan.shutdown()
            raise _cannot_listen(self._service.settings, error) from None
        assert sockets is not None
        address, port = sockets[0].getsockname()[:2]
        url = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
        print(f"nerve is ready: page {url}/  API {url}/v1/entities, described at {url}/docs", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.draining = True
        super().handle_exit(sig, frame)


def _cannot_listen(settings: Settings, error: OSError) -> StartError:
    return StartError(
        f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another with --port or PORT"
    )


def _device(device: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise StartError("device is cuda, but torch finds no CUDA device; use --device cpu or auto")
    return ("cuda" if available else "cpu") if device == "auto" else device


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

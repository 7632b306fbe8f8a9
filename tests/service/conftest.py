"""Servers for the tests: in a thread, with fakes, and in a process, with an archive."""

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from bench.faults.service_process import children
from nerve.service.api.open_inference import PREFIX
from nerve.service.api.routes import API
from nerve.service.app import create_app
from nerve.service.http.routes import RouteTable
from nerve.service.server.protocol import protocol_of
from nerve.service.settings import Settings
from nerve.service.state import Service
from tests.support import ROOT, loopback
from tests.support.fakes import DirectEngine, eventually, served
from tests.support.forked import Forked


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class InProcessServer(uvicorn.Server):
    """uvicorn in a thread, on a real loopback socket."""

    def __init__(self, settings: Settings, models: list[Any], engine: Any) -> None:
        app = create_app(settings, models, engine)
        super().__init__(
            uvicorn.Config(app, http=protocol_of(app.state.service), lifespan="on", log_config=None, access_log=False)
        )
        self.service: Service = app.state.service
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def check_status(answer: httpx.Response) -> None:
    """Every error that a test provokes has to be one that the description of its route promises."""
    request = answer.request
    routes = [route for route in API if DESCRIBED.of({"method": request.method, "path": request.url.path}) is route]
    if routes and answer.status_code >= 400:
        assert answer.status_code in routes[0].error_statuses, (request.method, request.url, answer.status_code)


DESCRIBED = RouteTable(API, plain_below=PREFIX)


@contextmanager
def in_process_server(
    settings: Settings, models: list[Any], engine: Any, port: int = 0
) -> Iterator[tuple[httpx.Client, Service]]:
    server = InProcessServer(settings, models, engine)
    listener = socket.create_server(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert server.listening.wait(10)
        hooks: dict[str, list[Any]] = {"response": [check_status]}
        with loopback.Client(base_url=url, timeout=30, event_hooks=hooks) as client:
            yield client, server.service
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[tuple[httpx.Client, Service]]]:
    """Return a context with a server with default settings, on any port or on a given one."""
    return lambda port=0: in_process_server(Settings(), [served()], DirectEngine(), port)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[httpx.Client, Service]]]:
    """Starts a server with the given settings, models and engine, and stops it after the test."""
    with _servers() as start:
        yield start


@pytest.fixture(scope="module")
def serve_all() -> Iterator[Callable[..., tuple[httpx.Client, Service]]]:
    """Like `serve`, but for all tests of a module together."""
    with _servers() as start:
        yield start


@contextmanager
def _servers() -> Iterator[Callable[..., tuple[httpx.Client, Service]]]:
    with ExitStack() as stack:

        def start(
            models: list[Any] | None = None, engine: Any = None, **settings: Any
        ) -> tuple[httpx.Client, Service]:
            return stack.enter_context(
                in_process_server(Settings(**settings), models or [served()], engine or DirectEngine())
            )

        yield start


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a server with default settings, shared by all tests of a module, which do not change it."""
    with in_process_server(Settings(), [served(), served("other")], DirectEngine()) as (client, _):
        yield client


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real archive around a tiny untrained tagger, whose labels are LOC and PER."""
    return make_archive(tmp_path_factory.mktemp("archive") / "tiny.pt")


@pytest.fixture(scope="session")
def other_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the same name, whose label is ORG."""
    return make_archive(tmp_path_factory.mktemp("archive") / "tiny.pt", tags=("O", "B-ORG", "I-ORG"))


@pytest.fixture(scope="session")
def renamed_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with another name."""
    return make_archive(tmp_path_factory.mktemp("archive") / "tiny.pt", name="renamed")


def make_archive(
    path: Path, name: str = "tiny", tags: tuple[str, ...] = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
) -> Path:
    import torch

    from nerve.model import archive
    from nerve.model.config import TaggerConfig
    from nerve.model.tagger import Tagger
    from nerve.model.vocabulary import Vocabulary

    torch.manual_seed(1)
    config = TaggerConfig(hidden_size=8, word_size=8, affix_size=4, character_size=4, character_filters=4)
    vocabulary = Vocabulary.build([["Angela", "Merkel", "visited", "Munich", "."]])
    metadata = archive.Metadata(
        name=name,
        description="untrained",
        language="en",
        licence="CC0-1.0",
        tags=tags,
        config=config,
        datasets=[],
        scores={},
        settings={},
        code_version="test",
    )
    tagger = Tagger(config, vocabulary, tags).eval()
    with torch.no_grad():
        tagger.emission.weight.mul_(6)  # large weights, so that it finds some entities without training
    archive.save(path, tagger, vocabulary, metadata)
    return path


class ServiceProcess:
    """A process of `python -m nerve.service` with these arguments, and its two streams."""

    def __init__(
        self, arguments: list[str], stderr: int | None = None, prefix: list[str] | None = None, **environment: str
    ) -> None:
        self._log = os.memfd_create("stderr")  # a pipe would have to be read continuously
        inherited = {
            key: os.environ[key]
            for key in ("PATH", "HOME", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_CONFIG")
            if key in os.environ
        }
        # There is no load balancer to wait for, unless a test says so.
        variables = {**inherited, "OMP_NUM_THREADS": "1", "NERVE_DRAIN_GRACE_SECONDS": "0", **environment}
        log = self._log if stderr is None else stderr
        self.process: Forked | subprocess.Popen[str]
        # Coverage begins to measure when an interpreter starts.
        if prefix is None and "COVERAGE_PROCESS_CONFIG" not in variables:
            self.process = Forked("nerve.service", arguments, variables, log)
        else:
            self.process = subprocess.Popen(
                [*(prefix or []), sys.executable, "-m", "nerve.service", *arguments],
                cwd=ROOT,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ready(self, seconds: float = 120) -> tuple[str, str]:
        """Return the line that it prints when it is ready, and the URL in it, when its readiness agrees."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(seconds), "it printed nothing"
        line = self.process.stdout.readline()
        found = re.search(r"http://[^/\s]+", line)
        assert found, (line, self.logged())
        self.url = found[0]
        ready = eventually(lambda: loopback.get(self.url + "/health/ready").status_code == 200, seconds)
        assert ready, "it did not become ready"
        return line, self.url

    def ended(self, seconds: float = 120) -> tuple[int, str, str]:
        """Return its exit status and what it has printed, when it has ended."""
        out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, self.logged()

    def logged(self) -> str:
        """Return what it has written to stderr so far."""
        return os.pread(self._log, os.fstat(self._log).st_size, 0).decode()

    def kill(self) -> None:
        """End it, if it has not ended yet, and free its streams."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._log)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def workers(self) -> list[int]:
        """Return the ids of the processes that it has started."""
        return children(self.process.pid)


@pytest.fixture
def run_service() -> Iterator[Callable[..., ServiceProcess]]:
    """Starts service processes, and ends them after the test."""
    started: list[ServiceProcess] = []

    def run(
        *arguments: str, stderr: int | None = None, prefix: list[str] | None = None, **environment: str
    ) -> ServiceProcess:
        started.append(ServiceProcess(list(arguments), stderr, prefix, **environment))
        return started[-1]

    yield run
    for service in started:
        service.kill()


@pytest.fixture(scope="session")
def bundled_service() -> Iterator[ServiceProcess]:
    """A service process with the bundled models, shared by all tests, which do not change it."""
    service = ServiceProcess(["--port", "0", "--device", "cpu"])
    try:
        service.ready(180)
        yield service
    finally:
        service.kill()


@pytest.fixture(scope="session")
def service_url(bundled_service: ServiceProcess) -> str:
    """The URL of `bundled_service`."""
    return bundled_service.url

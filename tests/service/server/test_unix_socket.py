"""A Unix socket in place of a port: its file, who may connect, and a service behind it."""

import contextlib
import http.client
import os
import selectors
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nerve.service.server.unix_socket import MAX_PATH_BYTES, UnixSocket
from nerve.service.settings import StartError
from tests.support.fakes import eventually

Run = Callable[..., Any]


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return client


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "nerve.sock"


# -- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_mode_says_who_may_connect_whatever_the_mask(path: Path, mode: int) -> None:
    mask = os.umask(0o022)
    try:
        with UnixSocket(str(path), mode):
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(mask)


def test_the_file_is_gone_when_the_socket_is_closed(path: Path) -> None:
    UnixSocket(str(path), 0o600).close()
    assert not path.exists()


def test_a_file_that_a_killed_service_has_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    with UnixSocket(str(path), 0o600) as listener:
        listener.listen()
        connected(path).close()


def test_a_socket_on_which_a_service_listens_is_left_alone(path: Path) -> None:
    with UnixSocket(str(path), 0o600) as listener:
        listener.listen()
        with pytest.raises(StartError, match="another service listens there"):
            UnixSocket(str(path), 0o600)
        connected(path).close()


def test_a_service_whose_queue_is_full_listens_too(path: Path) -> None:
    with UnixSocket(str(path), 0o600) as listener:
        listener.listen(0)
        with connected(path), pytest.raises(StartError, match="another service listens there"):
            UnixSocket(str(path), 0o600)


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(StartError, match="something else than a socket"):
        UnixSocket(str(path), 0o600)
    assert path.read_text() == "mine"


def test_a_file_that_is_another_s_by_now_is_left_alone(path: Path) -> None:
    first = UnixSocket(str(path), 0o600)
    path.unlink()
    with UnixSocket(str(path), 0o600):
        first.close()
        assert path.exists()


def test_a_fork_leaves_the_file(path: Path) -> None:
    with UnixSocket(str(path), 0o600) as listener:
        child = os.fork()
        if child == 0:
            listener.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert path.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * MAX_PATH_BYTES, f"the path is longer than {MAX_PATH_BYTES} bytes"),
        ("nowhere/nerve.sock", "No such file or directory"),
    ],
)
def test_a_path_that_cannot_be_bound_is_refused(path: Path, name: str, reason: str) -> None:
    with pytest.raises(StartError, match=reason) as refusal:
        UnixSocket(str(path.parent / name), 0o600)
    assert "--unix-socket" in str(refusal.value)


def test_waiting_connections_are_seen_and_outlive_the_path(path: Path) -> None:
    with UnixSocket(str(path), 0o600) as listener:
        listener.listen()
        assert not listener.has_waiting_connections
        with connected(path) as client:
            listener.unlink()
            assert listener.has_waiting_connections
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(b"hello")
                assert client.recv(5) == b"hello"


# -- the service -----------------------------------------------------------------------------------------------------


def ready(service: Any) -> str:
    """The line that a service prints when it is ready."""
    with selectors.DefaultSelector() as selector:
        selector.register(service.process.stdout, selectors.EVENT_READ)
        assert selector.select(120), "it printed nothing"
    return str(service.process.stdout.readline())


def response(path: Path, method: str = "POST", route: str = "/v1/entities") -> http.client.HTTPResponse:
    """The response to a request on a connection of its own."""
    client = http.client.HTTPConnection("nerve")
    client.sock = connected(path)
    with contextlib.closing(client):
        client.request(method, route, b'{"text": "Ann"}' if method == "POST" else None)
        return client.getresponse()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_answers_behind_it_and_loses_nothing_when_it_stops(
    run_service: Run, archive: Path, path: Path, workers: int
) -> None:
    arguments = ["--unix-socket", str(path), "--unix-socket-mode", "600", "--workers", str(workers)]
    service = run_service("--model", str(archive), *arguments)
    assert str(path) in ready(service)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    statuses: list[int] = []
    refused = threading.Event()

    def ask() -> None:
        """Ask with a new connection each time, until there is none to be had; every other error is a failure."""
        while True:
            try:
                statuses.append(response(path).status)
            except FileNotFoundError:
                refused.set()
                return
            if len(statuses) == 20:
                service.terminate()

    asking = threading.Thread(target=ask)
    asking.start()
    status, _, err = service.ended()
    asking.join(30)
    assert (status, refused.is_set(), "ERROR" in err) == (0, True, False)
    assert len(statuses) >= 20
    assert set(statuses) == {200}
    assert not path.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_connects_in_the_grace_is_answered(run_service: Run, archive: Path, path: Path, workers: int) -> None:
    arguments = ["--unix-socket", str(path), "--workers", str(workers), "--drain-grace-seconds", "600"]
    service = run_service("--model", str(archive), *arguments)
    ready(service)
    service.terminate()
    assert eventually(lambda: response(path, "GET", "/health/ready").status == 503)
    assert response(path).status == 200
    service.terminate()  # ends the grace
    assert service.ended()[0] == 0
    assert not path.exists()


def test_a_service_that_cannot_have_it_says_so_in_a_line(run_service: Run, archive: Path, path: Path) -> None:
    path.write_text("mine")
    status, out, err = run_service("--model", str(archive), "--unix-socket", str(path)).ended()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"cannot listen on {path}: there is something else than a socket" in err

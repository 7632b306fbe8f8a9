"""`python -m nerve.service` as a process: how it starts, ends, and says why it does not start."""

import concurrent.futures
import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.service.api.examples import EXAMPLE_ENTS, EXAMPLE_TEXT
from nerve.service.engine.engine import Engine
from nerve.service.engine.loader import load_models
from nerve.service.settings import BUNDLED_MODEL, Settings, SettingsError, StartError
from tests.support import ROOT, loopback
from tests.support.fakes import eventually

Run = Callable[..., Any]


def assert_one_line(ended: tuple[int, str, str], *words: str) -> None:
    status, out, err = ended
    assert (status, out, err.count("\n")) == (1, "", 1), err
    assert err.startswith("nerve: ")
    assert all(word in err for word in words), err


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_service_says_where_it_listens_answers_and_ends_with_0_at_sigterm(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    line, url = service.ready()
    assert f"{url}/ " in line
    assert f"{url}/v1/entities" in line
    with loopback.Client(base_url=url) as client:
        answer = client.post("/v1/entities", json={"text": "Angela Merkel visited Munich."}).json()
        assert (answer["text"], answer["model"]) == ("Angela Merkel visited Munich.", "tiny")
        assert all(answer["text"][e["start"] : e["end"]] == e["text"] for e in answer["ents"])
        assert client.get("/v1/models").json()["models"][0]["labels"] == ["LOC", "PER"]
    service.terminate()
    status, out, err = service.ended()
    assert (status, out) == (0, "")
    assert not re.search("WARNING|ERROR|Traceback", err), err


def test_a_request_in_flight_at_sigterm_is_answered(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    body = {"text": "Angela Merkel visited Munich. " * 5_000}
    with concurrent.futures.ThreadPoolExecutor(1) as pool, loopback.Client(base_url=url) as client:

        def sent_whole(event: str, _: Any) -> None:
            if event == "http11.receive_response_headers.started":
                service.terminate()

        answer = pool.submit(client.post, "/v1/entities", json=body, timeout=60, extensions={"trace": sent_whole})
        assert answer.result().json()["text"] == body["text"]
    assert service.ended()[0] == 0


def test_a_stream_that_is_open_at_sigterm_is_ended(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 0), timeout=30) as client:
        head = b"POST /v1/stream HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        client.sendall(head + b'13\r\n{"text": "Munich"}\n\r\n')
        with http.client.HTTPResponse(client) as answer:
            answer.begin()
            assert b"Munich" in answer.readline()
            service.terminate()
            assert json.loads(answer.read())["error"]["message"] == "the service is shutting down"
    assert service.ended()[:2] == (0, "")


def test_settings_come_from_the_environment_too(run_service: Run, archive: Path) -> None:
    service = run_service(PORT="0", MODEL=str(archive), NERVE_MAX_CHARACTERS="5")
    _, url = service.ready()
    assert loopback.post(url + "/v1/entities", json={"text": "123456"}).status_code == 413


def test_a_taken_port_is_one_line(run_service: Run, taken_port: int, archive: Path) -> None:
    service = run_service("--port", str(taken_port), "--model", str(archive))
    assert_one_line(service.ended(), str(taken_port), "in use", "--port")


def test_an_unknown_host_is_one_line(run_service: Run, archive: Path) -> None:
    service = run_service("--host", "256.0.0.1", "--port", "0", "--model", str(archive))
    assert_one_line(service.ended(), "256.0.0.1")


def test_a_missing_model_is_one_line(run_service: Run) -> None:
    assert_one_line(run_service("--port", "0", "--model", "nowhere.pt").ended(), "nowhere.pt")


def test_a_damaged_model_is_one_line(run_service: Run, archive: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(archive.read_bytes()[:-1_000])
    assert_one_line(run_service("--port", "0", "--model", str(damaged)).ended(), "damaged.pt")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def test_two_models_of_one_name_are_refused(engine: Engine, archive: Path) -> None:
    with pytest.raises(StartError, match="the second model that is named tiny"):
        load_models(Settings(models=(archive, archive), device="cpu"), engine)


def test_a_model_that_is_named_auto_is_refused(
    engine: Engine, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nerve.model.archive import Archive

    monkeypatch.setattr(Archive, "name", "auto")
    with pytest.raises(StartError, match="named auto, which stands for any"):
        load_models(Settings(models=(archive,), device="cpu"), engine)


def test_a_batch_smaller_than_the_longest_window_is_refused(engine: Engine, archive: Path) -> None:
    with pytest.raises(SettingsError, match="batch_tokens"):
        load_models(Settings(models=(archive,), batch_tokens=5), engine)


def test_a_failed_self_check_is_refused(engine: Engine, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nerve.model.archive import Archive, ArchiveError

    def fail(_: Archive) -> None:
        raise ArchiveError("tiny: the self-check failed")

    monkeypatch.setattr(Archive, "self_check", fail)
    with pytest.raises(StartError, match="self-check failed"):
        load_models(Settings(models=(archive,), device="cpu"), engine)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--port", "99999"], "port"),
        (["--device", "tpu"], "device"),
        (["--queue-tokens", "5"], "queue_tokens"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_setting_is_one_line(run_service: Run, archive: Path, flags: list[str], named: str) -> None:
    service = run_service("--model", str(archive), "--port", "0", *flags)
    assert_one_line(service.ended(), named)


@pytest.mark.skipif(not BUNDLED_MODEL.is_file(), reason="models/en.pt is not there")
def test_the_documented_answer_is_the_bundled_models(run_service: Run) -> None:
    _, url = run_service("--port", "0").ready()
    answer = loopback.post(url + "/v1/entities", json={"text": EXAMPLE_TEXT}).json()
    documented = [{**ent, "score": pytest.approx(ent["score"], abs=0.02)} for ent in EXAMPLE_ENTS]
    assert answer == {"text": EXAMPLE_TEXT, "ents": documented, "model": "en"}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("streams", ["2>&- > /dev/full", ">&- 2> /dev/full"])
def test_the_service_answers_without_the_streams_of_who_started_it(archive: Path, workers: str, streams: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = f"exec {sys.executable} -m nerve.service --port {port} --model {archive} --workers {workers} {streams}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NERVE_DRAIN_GRACE_SECONDS": "0"}
    process = subprocess.Popen(["bash", "-c", command], cwd=ROOT, env=environment)

    def ready() -> bool:
        try:
            return loopback.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    try:
        assert eventually(ready, seconds=60)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(30) == 0

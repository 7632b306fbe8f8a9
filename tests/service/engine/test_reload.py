"""An archive that changes on disk while it is served: in one process around real archives, and under load."""

import asyncio
import concurrent.futures
import gc
import hashlib
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.model import archive as archives
from nerve.model.annotation import MIN_SCORE
from nerve.model.recognizer import Recognizer
from nerve.service.engine.engine import Engine
from nerve.service.engine.loader import load_models
from nerve.service.settings import Settings
from tests.support import loopback
from tests.support.fakes import HeldEngine, eventually

Run = Callable[..., Any]
Serve = Callable[..., Any]
URL = "/v1/entities"
RELOAD = "/v1/models/tiny:reload"
TEXT = "Angela Merkel visited Munich and many other places that nobody has heard of."


def put(archive: Path, path: Path) -> None:
    """Replace `path` at once, as an operator should."""
    beside = path.with_suffix(".new")
    shutil.copy(archive, beside)
    beside.replace(path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def labels(client: httpx.Client) -> list[str]:
    found: list[str] = client.get("/v1/models").json()["models"][0]["labels"]
    return found


@pytest.fixture
def path(tmp_path: Path, archive: Path) -> Path:
    path = tmp_path / "served.pt"
    put(archive, path)
    return path


def models_at(path: Path, engine: Any) -> Any:
    return load_models(Settings(models=(path,), device="cpu"), engine)


class WarmingEngine(HeldEngine):
    """Holds batches, and not what a reload asks."""

    def warm_up(self, _recognizer: Any, self_check: Callable[[], None]) -> None:
        self_check()


@pytest.fixture
def engine() -> Iterator[WarmingEngine]:
    engine = WarmingEngine()
    engine.release()
    yield engine
    engine.release()


@pytest.fixture
def served(serve: Serve, engine: WarmingEngine, path: Path) -> Any:
    """A client, and the service that it asks, around the archive at `path`."""
    return serve(models=models_at(path, engine), engine=engine, device="cpu")


def test_another_archive_takes_the_place_of_the_one_served(served: Any, path: Path, other_archive: Path) -> None:
    client, _ = served
    put(other_archive, path)
    answer = client.post(RELOAD)
    assert answer.json() == {"model": "tiny", "reloaded": True, "sha256": sha256(other_archive)}
    assert labels(client) == ["ORG"]
    assert {ent["label"] for ent in client.post(URL, json={"text": TEXT}).json()["ents"]} <= {"ORG"}
    assert sha256(other_archive) in client.get("/metrics").text


def test_an_archive_that_has_not_changed_is_not_read_again(served: Any, archive: Path) -> None:
    client, service = served
    before = service.registry.default
    assert client.post(RELOAD).json() == {"model": "tiny", "reloaded": False, "sha256": sha256(archive)}
    assert service.registry.default is before


def garbage(path: Path) -> None:
    path.with_suffix(".new").write_bytes(b"garbage" * 1_000)
    path.with_suffix(".new").replace(path)


def cut_short(path: Path) -> None:
    path.with_suffix(".new").write_bytes(path.read_bytes()[:-1_000])
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize(
    ("spoil", "fact"), [(garbage, "not an archive"), (cut_short, "not an archive"), (Path.unlink, "no such file")]
)
def test_a_bad_archive_changes_nothing_and_is_reported(
    served: Any, path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], fact: str
) -> None:
    client, service = served
    before = service.registry.default
    spoil(path)
    for _ in range(2):
        answer = client.post(RELOAD)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        assert fact in answer.json()["error"]["message"]
        assert str(path.parent) not in answer.text
    assert any(str(path) in record.getMessage() and record.levelname == "ERROR" for record in caplog.records)
    assert service.registry.default is before
    assert client.post(URL, json={"text": TEXT}).status_code == 200


def test_an_archive_that_fails_its_self_check_is_refused(
    served: Any, path: Path, other_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: archives.Archive) -> None:
        raise archives.ArchiveError("tiny: the self-check failed")

    monkeypatch.setattr(archives.Archive, "self_check", fail)
    client, _ = served
    put(other_archive, path)
    answer = client.post(RELOAD)
    assert (answer.status_code, labels(client)) == (409, ["LOC", "PER"])
    assert "self-check" in answer.json()["error"]["message"]


def test_an_archive_of_another_name_is_refused(served: Any, path: Path, renamed_archive: Path) -> None:
    client, _ = served
    put(renamed_archive, path)
    answer = client.post(RELOAD)
    assert (answer.status_code, labels(client)) == (409, ["LOC", "PER"])
    assert "renamed" in answer.json()["error"]["message"]


def test_a_model_that_is_not_served_is_not_found(served: Any) -> None:
    client, _ = served
    assert client.post("/v1/models/other:reload").status_code == 404


def test_the_outcomes_are_counted(served: Any, path: Path, other_archive: Path) -> None:
    client, _ = served
    client.post(RELOAD)
    put(other_archive, path)
    client.post(RELOAD)
    garbage(path)
    client.post(RELOAD)
    text = client.get("/metrics").text
    for outcome in ("unchanged", "reloaded", "refused"):
        assert f'nerve_model_reloads_total{{model="tiny",outcome="{outcome}"}} 1.0' in text


def test_a_request_in_flight_finishes_with_the_model_it_began_with(
    serve: Serve, path: Path, archive: Path, other_archive: Path
) -> None:
    held = WarmingEngine()
    client, _ = serve(models=models_at(path, held), engine=held, device="cpu")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        in_engine = pool.submit(client.post, URL, json={"text": TEXT})
        assert held.started.wait(10)
        waiting = pool.submit(client.post, URL, json={"text": TEXT})
        assert eventually(lambda: "nerve_queue_requests 1.0" in client.get("/metrics").text)
        put(other_archive, path)
        assert client.post(RELOAD).json()["reloaded"]
        held.release()
        old = expected(archive)
        assert [answer.result().json()["ents"] for answer in (in_engine, waiting)] == [old, old]
    assert client.post(URL, json={"text": TEXT}).json()["ents"] == expected(other_archive) != old


def expected(archive: Path) -> list[dict[str, Any]]:
    """The entities of TEXT, as the archive at this path finds them by itself."""
    (found,) = Recognizer(archives.load(archive)).recognize([TEXT])
    return [
        {
            "start": one.start,
            "end": one.end,
            "label": one.label,
            "text": one.text,
            "score": pytest.approx(one.score, abs=1e-4),
        }
        for one in found
        if one.score >= MIN_SCORE
    ]


def test_the_memory_of_the_old_one_is_free(
    serve: Serve, engine: WarmingEngine, path: Path, other_archive: Path
) -> None:
    models = list(models_at(path, engine))
    client, service = serve(models=models, engine=engine, device="cpu")
    models.clear()
    client.post(URL, json={"text": TEXT})
    old = service.registry.default.recognizer
    gone = [weakref.ref(old), weakref.ref(old.archive.tagger), weakref.ref(old.archive.vocabulary)]
    del old
    put(other_archive, path)
    assert client.post(RELOAD).json()["reloaded"]
    client.post(URL, json={"text": TEXT})

    def free() -> bool:
        gc.collect()
        return all(one() is None for one in gone)

    assert eventually(free, seconds=1)


def test_between_the_steps_of_a_warm_up_the_engine_answers(archive: Path) -> None:
    with ExitStack() as stack:
        engine = Engine()
        stack.callback(engine.close)
        recognizer = Recognizer(archives.load(archive))
        order: list[str] = []
        begun = threading.Event()

        class Watched:
            def windows(self, text: str) -> Any:
                return recognizer.windows(text)

            def tag(self, windows: Any) -> Any:
                order.append("warm-up")
                begun.set()
                return recognizer.tag(windows)

        class Other:
            def tag(self, windows: Any) -> Any:
                order.append("batch")
                return windows

        def other() -> None:
            assert begun.wait(10)
            asyncio.run(engine.run(Other(), []))  # type: ignore[arg-type]

        thread = threading.Thread(target=other)
        thread.start()
        engine.warm_up(Watched(), lambda: None)  # type: ignore[arg-type]
        thread.join()
    assert "batch" in order[: len(order) - 1]


def test_under_load_every_answer_is_that_of_one_archive_or_the_other(
    run_service: Run, path: Path, archive: Path, other_archive: Path
) -> None:
    service = run_service("--port", "0", "--model", str(path))
    _, url = service.ready()
    answers: list[httpx.Response] = []
    probes: list[httpx.Response] = []
    enough, over = threading.Semaphore(0), threading.Event()

    def client() -> None:
        with loopback.Client(base_url=url, timeout=120) as http:
            while not over.is_set():
                answers.append(http.post(URL, json={"text": TEXT}))
                enough.release()

    def probe() -> None:
        with loopback.Client(base_url=url, timeout=120) as http:
            while not over.is_set():
                probes.extend(http.get(path) for path in ("/health/live", "/health/ready"))

    def more(count: int = 12) -> None:
        for _ in range(count):
            assert enough.acquire(timeout=120)

    with loopback.Client(base_url=url, timeout=120) as http:
        pool = begun(probe, client, client, client, client)
        try:
            more()
            put(other_archive, path)
            assert http.post(RELOAD).json()["reloaded"] is True
            assert http.post(URL, json={"text": TEXT}).json()["ents"] == expected(other_archive)
            more()
            garbage(path)
            assert http.post(RELOAD).status_code == 409
            service.hang_up()
            more()
            assert http.post(URL, json={"text": TEXT}).json()["ents"] == expected(other_archive)
            put(archive, path)
            service.hang_up()
            assert eventually(lambda: labels(http) == ["LOC", "PER"], seconds=60)
            more()
        finally:
            over.set()
            pool.shutdown()
    service.terminate()
    status, _, err = service.ended()
    assert status == 0
    assert "was not reloaded" in err
    assert {answer.status_code for answer in answers + probes} == {200}
    ents = [answer.json()["ents"] for answer in answers]
    old, new = expected(archive), expected(other_archive)
    assert all(one in (old, new) for one in ents)
    assert {one == old for one in ents} == {True, False}


def begun(*clients: Callable[[], None]) -> concurrent.futures.ThreadPoolExecutor:
    pool = concurrent.futures.ThreadPoolExecutor(len(clients))
    for client in clients:
        pool.submit(client)
    return pool


def test_an_archive_replaced_while_it_is_read_is_one_of_the_two_whole(
    archive: Path, other_archive: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def replaced_behind(read: Path) -> bytes:
        content = read_bytes(read)
        put(other_archive, path)
        return content

    monkeypatch.setattr(Path, "read_bytes", replaced_behind)
    loaded = archives.load(path)
    assert loaded.digest == sha256(archive) != sha256(path)
    monkeypatch.undo()
    assert loaded.tags([("Angela", "Munich")]) == archives.load(archive).tags([("Angela", "Munich")])

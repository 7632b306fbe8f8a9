"""Archives and file systems on their bad days: what is wrong is one line at start and 409 at a reload."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nerve.model.archive import load
from nerve.service.settings import Settings, StartError
from tests.model.test_archive_fields import NAN, change_json, contents, write
from tests.service.conftest import make_archive
from tests.service.engine.test_reload import RELOAD, TEXT, URL, WarmingEngine, models_at, put, sha256
from tests.support import loopback
from tests.support.fakes import eventually

Spoil = Callable[[Path], None]


def with_value(place: tuple[str | int, ...], value: object, entry: str = "metadata") -> Spoil:
    return lambda path: change_json(path, f"extra/{entry}.json", place, value)


def cut_weights(path: Path) -> None:
    entries = contents(path)
    write(path, {**entries, "data/2": entries["data/2"][:-4]})


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


WRONG: dict[str, Spoil] = {
    "language null": with_value(("language",), None),
    "language a number": with_value(("language",), 7),
    "scores null": with_value(("scores",), None),
    "scores NaN": with_value(("scores",), {"dev": {"f1": NAN}}),
    "tags of another number": with_value(("tags",), ["O", "B-LOC", "I-LOC"]),
    "tags of another type": with_value(("tags",), [1, 2, 3, 4, 5]),
    "an example without tokens": with_value(("examples",), [{"tokens": [], "tags": []}]),
    "half a surrogate pair": with_value(("licence",), "\ud800"),
    "words null": with_value(("words",), None, "vocabulary"),
    "weights cut short": cut_weights,
    "a folder": folder,
    "a loop of links": link_loop,
}


@pytest.fixture
def engine() -> Iterator[WarmingEngine]:
    engine = WarmingEngine()
    engine.release()
    yield engine
    engine.release()


@pytest.fixture
def path(tmp_path: Path, archive: Path) -> Path:
    path = tmp_path / "served.pt"
    put(archive, path)
    return path


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_archive_is_409_at_a_reload_and_one_line_at_start(
    serve: Any, engine: WarmingEngine, path: Path, what: str
) -> None:
    client, _ = serve(models=models_at(path, engine), engine=engine, device="cpu")
    WRONG[what](path)
    answer = client.post(RELOAD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert str(path.parent) not in answer.text
    assert client.post(URL, json={"text": TEXT, "model": "auto"}).status_code == 200
    with pytest.raises(StartError) as caught:
        models_at(path, engine)
    assert len(str(caught.value).splitlines()) == 1


def test_a_program_that_fails_is_409_and_leaves_its_frames_in_the_log(
    serve: Any, engine: WarmingEngine, path: Path, other_archive: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = serve(models=models_at(path, engine), engine=engine, device="cpu")

    words = "the words of " + "the program"

    def fail(_recognizer: object, _self_check: object) -> None:
        raise RuntimeError(words)

    engine.warm_up = fail  # type: ignore[method-assign]
    put(other_archive, path)
    answer = client.post(RELOAD)
    assert answer.status_code == 409
    assert "its program fails" in answer.json()["error"]["message"]
    assert words not in answer.text + caplog.text
    assert "builtins.RuntimeError" in caplog.text


def test_a_reload_that_hangs_ends_in_time_and_holds_up_no_other(
    serve: Any, engine: WarmingEngine, path: Path, tmp_path: Path, other_archive: Path
) -> None:
    second = make_archive(tmp_path / "second.pt", name="second")
    models = [*models_at(path, engine), *models_at(second, engine)]
    client, _ = serve(models=models, engine=engine, device="cpu", reload_seconds=0.5)
    path.unlink()
    os.mkfifo(path)  # a read of it waits for a writer, as one of a network file system for its server
    begun = time.monotonic()
    first = client.post(RELOAD)
    assert (first.status_code, first.json()["error"]["message"][-32:]) == (
        409,
        "the file was not read within 0.5 s"[-32:],
    )
    assert client.post("/v1/models/second:reload").json()["reloaded"] is False
    again = client.post(RELOAD)
    assert again.status_code == 409
    assert "the last attempt is still being read" in again.json()["error"]["message"]
    assert time.monotonic() - begun < 20
    path.open("wb").close()  # the reader sees an empty file, and ends
    put(other_archive, path)
    assert eventually(lambda: client.post(RELOAD).status_code == 200)


def test_keys_are_read_again_while_an_archive_hangs(run_service: Any, path: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("old-key-0123456789\n")
    service = run_service("--port", "0", "--model", str(path), "--api-keys-file", str(keys))
    _, url = service.ready()
    path.unlink()
    os.mkfifo(path)
    keys.write_text("new-key-0123456789\n")
    service.hang_up()

    def status(key: str) -> int:
        return loopback.get(f"{url}/v1/models", headers={"X-API-Key": key}).status_code

    assert eventually(lambda: status("old-key-0123456789") == 401, seconds=20)
    assert status("new-key-0123456789") == 200
    service.terminate()
    assert service.ended(30)[0] == 0  # although a thread still waits for the file


def test_an_archive_of_another_digest_is_refused_at_start_and_at_a_reload(
    serve: Any, engine: WarmingEngine, path: Path, other_archive: Path
) -> None:
    client, _ = serve(
        models=models_at(path, engine),
        engine=engine,
        device="cpu",
        model_sha256=f"{'0' * 64}, {sha256(path).upper()}",
    )
    path.touch()
    assert client.post(RELOAD).json()["reloaded"]
    put(other_archive, path)
    answer = client.post(RELOAD)
    assert answer.status_code == 409
    assert sha256(other_archive) in answer.json()["error"]["message"]


@pytest.mark.parametrize("value", ["abc", "0" * 63, "g" * 64, "0" * 64 + " " + "0" * 64])
def test_a_digest_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256 digest"):
        Settings(model_sha256=value)


def test_a_service_of_weights_only_answers_as_any_other(run_service: Any, path: Path) -> None:
    service = run_service("--port", "0", "--model", str(path), "--weights-only")
    _, url = service.ready()
    answer = loopback.post(f"{url}{URL}", json={"text": TEXT, "min_score": 0}).json()
    tags = load(path).tags([TEXT[:-1].split()])
    assert [ent["label"] for ent in answer["ents"]] or set(tags[0]) == {"O"}

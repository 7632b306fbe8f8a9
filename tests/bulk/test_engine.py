"""How a run is handed to Ray, with a stand-in for Ray that works in this process; `test_ray.py` has the real one."""

import gzip
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nerve.bulk import ray as engine
from nerve.bulk import run
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import find
from nerve.bulk.output import named
from nerve.bulk.settings import Settings


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class Ray(SimpleNamespace):
    """Remembers how it was started, and how many actors it was asked for."""

    def __init__(self) -> None:
        super().__init__(
            exceptions=SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError),
            util=SimpleNamespace(ActorPool=Pool),
            started=None,
            running=False,
            actors=0,
        )

    def is_initialized(self) -> bool:
        return bool(self.running)

    def init(self, **how: Any) -> None:
        self.started, self.running = how, True

    def shutdown(self) -> None:
        self.running = False

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 3.0}

    def remote(self, **_: Any) -> Callable[[type], Any]:
        def actor_of(made: type) -> Any:
            def create(*arguments: Any) -> Any:
                self.actors += 1
                worker = made(*arguments)
                return SimpleNamespace(write=SimpleNamespace(remote=worker.write))

            return SimpleNamespace(remote=create)

        return actor_of


class Pool:
    def __init__(self, actors: list[Any]) -> None:
        self.actors = actors

    def map_unordered(self, call: Callable[[Any, Any], Any], values: Iterable[Any]) -> Iterator[Any]:
        return (call(self.actors[0], value) for value in values)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Ray:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    stand_in = Ray()
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    return stand_in


@pytest.fixture
def prepare(tmp_path: Path, archive_path: Path) -> Callable[..., run.Run]:
    """Makes a run of five parts ready."""
    (tmp_path / "a.txt").write_text("Angela Merkel visited New York .\n" * 50)

    def call(output: str, **settings: Any) -> run.Run:
        files, _ = find([str(tmp_path / "a.txt")], settings.pop("form", None))
        return run.prepare(
            files, named(str(tmp_path / output)), Settings(str(archive_path), device="cpu", **settings), 340
        )

    return call


def parts(made: run.Run) -> dict[str, bytes]:
    return {part.name("jsonl"): made.output.folder.read(part.name("jsonl")) for part in made.parts}


def test_actors_make_the_parts_that_one_process_makes(ray: Ray, prepare: Callable[..., run.Run]) -> None:
    run.tag(prepare("one"), 1, lambda *_: None)
    told: list[tuple[int, int, int]] = []
    engine.tag(prepare("two"), 2, lambda *counts: told.append(counts))
    assert parts(prepare("two")) == parts(prepare("one"))
    assert len(told) == 5
    assert [sum(counts) for counts in zip(*told, strict=True)] == [50 * 33, 50, 50 * 6]
    assert (ray.actors, ray.running) == (2, False)
    engine.tag(prepare("two"), 2, lambda *counts: told.append(counts))
    assert (len(told), ray.actors) == (5, 2)


def test_without_an_address_a_cluster_of_this_machine_begins_and_tells_nobody(
    ray: Ray, prepare: Callable[..., run.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    engine.tag(prepare("out"), 2, lambda *_: None)
    assert {**ray.started, "address": "local", "num_cpus": 2, "include_dashboard": False} == ray.started
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_the_cluster_of_an_address_has_an_actor_for_each_core(
    ray: Ray, prepare: Callable[..., run.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    engine.tag(prepare("out"), None, lambda *_: None)
    assert "address" not in ray.started
    assert ray.actors == 3


def test_a_cluster_that_runs_already_goes_on(ray: Ray, prepare: Callable[..., run.Run]) -> None:
    ray.running = True
    engine.tag(prepare("out"), 2, lambda *_: None)
    assert (ray.started, ray.running) == (None, True)


def test_what_an_actor_meets_is_the_error_of_the_run(ray: Ray, prepare: Callable[..., run.Run]) -> None:
    with pytest.raises(BulkError, match=r"a.txt, byte 0: not JSON: Expecting value$"):
        engine.tag(prepare("out", form="jsonl", strict=True), 2, lambda *_: None)
    assert not ray.running


def test_a_cluster_that_does_not_start_is_an_error_of_one_line(
    ray: Ray, prepare: Callable[..., run.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: Any) -> None:
        raise Exception("The node timed out.\nMore.")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(BulkError, match=r"^Ray does not start: The node timed out\.$"):
        engine.tag(prepare("out"), 2, lambda *_: None)


@pytest.mark.parametrize(
    ("error", "expected", "fact"),
    [
        (RayError, BulkError, "Ray lost a part 4 times, or its cluster: died$"),
        (RayTaskError, RayTaskError, "died\nat"),
    ],
)
def test_an_actor_that_dies_again_and_again_ends_the_run_and_a_fault_keeps_its_traceback(
    ray: Ray,
    prepare: Callable[..., run.Run],
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    expected: type[Exception],
    fact: str,
) -> None:
    def write(*_: object) -> None:
        raise error("died\nat once")

    monkeypatch.setattr(run.parts, "write", write)
    with pytest.raises(expected, match=fact):
        engine.tag(prepare("out"), 2, lambda *_: None)
    assert not ray.running


def test_without_ray_the_extra_is_named(prepare: Callable[..., run.Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        BulkError, match=r"^for --engine ray, install a package more: pip install 'nerve-ner\[ray\]'$"
    ):
        engine.tag(prepare("out"), 2, lambda *_: None)


def test_actors_and_one_process_make_the_same_file(ray: Ray, prepare: Callable[..., run.Run], tmp_path: Path) -> None:
    for name, work in (("one.jsonl.gz", run.tag), ("two.jsonl.gz", engine.tag)):
        made = prepare(name, compressed=".gz")
        work(made, 1, lambda *_: None)
        made.finish()
        assert made.missing() == []
    assert ray.actors == 1
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    assert len(gzip.decompress((tmp_path / "one.jsonl.gz").read_bytes()).splitlines()) == 50

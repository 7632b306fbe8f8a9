"""Runs on Ray: what two actors write is what one process writes, also if one of them or the driver is killed.

Ray is not among the packages of the tests, for it is large and slow to start; where it is installed, these run.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nerve.bulk import ray as engine
from nerve.bulk import run
from nerve.bulk.inputs import find
from nerve.bulk.output import Parts
from nerve.bulk.ray import Tagger
from nerve.bulk.settings import Settings
from nerve.bulk.storage import Folder
from tests.support.documents import ROOT, blocks
from tests.support.shell import command, environment, wait_until

ray = pytest.importorskip("ray")
data = pytest.importorskip("ray.data")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

# Of Ray's own code and of what it imports.
pytestmark = pytest.mark.filterwarnings("ignore")

Files = dict[str, str]
TEXTS = 3_000
PART_BYTES = 1 << 14
KNOWN = "Angela Merkel visited the city of New York on Monday , and München in 2005 ."


def digests(folder: Path) -> Files:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("part-*")}


def workers() -> list[int]:
    """The processes of the actors that this process, or one that it started, has on its cluster."""
    parents, actors = {}, []
    for folder in Path("/proc").iterdir():
        try:
            status = (folder / "stat").read_text().rpartition(") ")[2].split()
            title = (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if folder.name.isdecimal():
            parents[int(folder.name)] = int(status[1])
            actors += [int(folder.name)] if title.startswith((b"ray::_Worker.write", b"ray::MapWorker")) else []
    return [actor for actor in actors if os.getpid() in ancestors(actor, parents)]


def ancestors(process: int, parents: dict[int, int]) -> Iterator[int]:
    while process := parents.get(process, 0):
        yield process


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, archive_bytes: bytes) -> Path:
    """A folder with a corpus of more than 10 parts in JSON lines, the same in Parquet, a model, and `whole`: what one
    process has written of the first."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "model.pt").write_bytes(archive_bytes)
    words = KNOWN.split()
    texts = [" ".join(words[n % 5 : 5 + n % 11]) for n in range(TEXTS)]
    rows = [{"id": n, "text": text} for n, text in enumerate(texts)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for n in range(4):
        pq.write_table(pa.Table.from_pylist(rows[n::4]), folder / f"{n}.parquet")
    prepared = prepare(folder, "whole")
    run.tag(prepared, 1, lambda *_: None)
    assert len(digests(folder / "whole")) > 10
    return folder


def prepare(folder: Path, output: str) -> run.Run:
    (file,), _ = find([str(folder / "a.jsonl")], None)
    settings = Settings(str(folder / "model.pt"), device="cpu")
    return run.prepare([file], Parts(Folder(str(folder / output))), settings, PART_BYTES)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of this machine with a core for each of two actors, and one for the rest of Ray Data."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


@pytest.fixture
def killed_one() -> Callable[[], None]:
    """Kills one of the actors, the first time."""
    killed: list[int] = []

    def kill() -> None:
        if not killed:
            killed.extend(workers()[:1])
            os.kill(killed[0], signal.SIGKILL)

    return kill


@pytest.mark.usefixtures("cluster")
def test_two_actors_write_the_bytes_of_one_process_also_if_one_of_them_is_killed(
    corpus: Path, killed_one: Callable[[], None]
) -> None:
    texts = 0

    def report(size: int, count: int, tokens: int) -> None:
        nonlocal texts
        texts += count
        assert size > 0
        assert tokens > 0
        killed_one()

    engine.tag(prepare(corpus, "actors"), 2, report)
    assert digests(corpus / "actors") == digests(corpus / "whole")
    assert texts == TEXTS
    engine.tag(prepare(corpus, "actors"), 2, report)  # nothing is left to do
    assert texts == TEXTS


@pytest.mark.usefixtures("cluster")
def test_what_an_actor_meets_is_an_error_of_one_line(corpus: Path) -> None:
    (file,), _ = find([str(corpus / "a.jsonl")], None)
    settings = Settings(str(corpus / "model.pt"), text_field="body", strict=True)
    prepared = run.prepare([file], Parts(Folder(str(corpus / "strict"))), settings, PART_BYTES)
    with pytest.raises(engine.BulkError, match=r"a.jsonl, byte \d+: not an object whose field body is a string$"):
        engine.tag(prepared, 2, lambda *_: None)


@pytest.mark.usefixtures("cluster")
def test_a_pipeline_of_ray_data_finds_what_one_process_finds_also_if_an_actor_is_killed(
    corpus: Path, killed_one: Callable[[], None]
) -> None:
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1 << 14
    context.target_min_block_size = 1 << 13
    tagged = data.read_parquet([str(corpus / f"{n}.parquet") for n in range(4)]).map_batches(
        Tagger,
        fn_constructor_args=(str(corpus / "model.pt"),),
        compute=data.ActorPoolStrategy(size=2),
        num_cpus=1,
        batch_size=128,
        batch_format="pyarrow",
    )
    rows: list[dict[str, Any]] = []
    for row in tagged.iter_rows():
        rows.append(row)
        killed_one()
    lines = "".join((corpus / "whole" / name).read_text() for name in sorted(digests(corpus / "whole")))
    expected = list(map(json.loads, lines.splitlines()))
    found = sorted(rows, key=lambda row: row["id"])
    for row in [*expected, *found]:
        row["ents"] = [{**ent, "score": pytest.approx(ent["score"], abs=1e-5)} for ent in row["ents"]]
    assert found == expected


def test_a_driver_that_is_killed_leaves_whole_parts_and_the_same_command_makes_the_others(corpus: Path) -> None:
    folder = corpus / "driver"
    tag = command("tag", "a.jsonl", "--model", "model.pt", "--output", "driver", "--part-bytes", str(PART_BYTES))
    tag += ["--engine", "ray", "--jobs", "2", "--device", "cpu"]
    with subprocess.Popen(tag, cwd=corpus, env=environment()) as process:
        wait_until(process, lambda: digests(folder))
        process.kill()
    stood = digests(folder)
    whole = digests(corpus / "whole")
    assert 0 < len(stood) < len(whole)
    assert stood.items() <= whole.items()
    ended = subprocess.run(
        tag, cwd=corpus, env=environment(), capture_output=True, text=True, timeout=480, check=True
    )
    assert (ended.stdout, ended.stderr) == ("", "")
    assert digests(folder) == whole


def test_the_program_of_the_page_tags_a_table(tmp_path: Path) -> None:
    (program,) = (
        one.content for one in blocks(ROOT / "docs" / "scaling.md", "python") if "import ray" in one.content
    )
    texts = ["Tim Cook flew to Paris.", None, "Nobody."]
    pq.write_table(pa.table({"id": [1, 2, 3], "text": texts}), tmp_path / "posts.parquet")
    shown = [sys.executable, "-c", program]
    subprocess.run(shown, cwd=tmp_path, env=environment(RAY_USAGE_STATS_ENABLED="0"), check=True, timeout=480)
    rows = pq.read_table(tmp_path / "tagged").to_pylist()
    assert [(row["id"], row["text"]) for row in rows] == list(enumerate(texts, start=1))
    found = [row["ents"] and [(ent["label"], ent["text"]) for ent in row["ents"]] for row in rows]
    assert found == [[("PER", "Tim Cook"), ("LOC", "Paris")], None, []]

"""Where the workers keep their metrics, without a worker; ../server/test_worker_metrics.py has real ones."""

import logging
import os
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from nerve.service.observability import multiprocess
from nerve.service.observability.multiprocess import METRICS_FOLDER, forget_process, join_metrics, shared_metrics


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Takes the places of /dev/shm and of the temporary folder; neither is there yet."""
    shared, temporary = tmp_path / "shm", tmp_path / "tmp"
    monkeypatch.setattr(multiprocess, "SHARED_MEMORY", shared)
    monkeypatch.setattr(multiprocess.tempfile, "tempdir", str(temporary))
    monkeypatch.setenv(METRICS_FOLDER, "of another program")  # it is set during a test, and as before afterwards
    return shared, temporary


def test_the_metrics_are_in_shared_memory_and_gone_after_the_block(places: tuple[Path, Path]) -> None:
    shared, temporary = places
    shared.mkdir()
    temporary.mkdir()
    with shared_metrics(1) as folder:
        assert folder is not None
        assert Path(folder).parent == shared
        assert os.environ[METRICS_FOLDER] == folder
    assert [*shared.iterdir(), *temporary.iterdir()] == []


def test_without_shared_memory_the_metrics_are_in_the_temporary_folder(
    places: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    shared, temporary = places
    temporary.mkdir()
    with caplog.at_level(logging.WARNING), shared_metrics(1) as folder:
        assert folder is not None
        assert Path(folder).parent == temporary
    assert [record.getMessage() for record in caplog.records] == [
        f"no room for the workers' metrics in {shared}: No such file or directory"
    ]


@pytest.mark.usefixtures("places")
def test_without_either_each_worker_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), shared_metrics(1) as folder:
        assert folder is None
        assert METRICS_FOLDER not in os.environ
    assert "each worker counts for itself" in caplog.messages[-1]


def test_a_file_of_metrics_can_be_read_as_soon_as_it_is_there(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve, found = os.posix_fallocate, []
    places[0].mkdir()
    with shared_metrics(2) as folder:
        assert folder is not None

        def watched(*arguments: int) -> None:
            found.extend(path.stat().st_size for path in Path(folder).glob("*.db"))
            reserve(*arguments)

        monkeypatch.setattr(os, "posix_fallocate", watched)
        join_metrics()
        assert len(list(Path(folder).glob("*.db"))) == 4
    assert len(found) == 0 + 1 + 2 + 3
    assert all(found)


def test_a_file_can_be_read_while_its_memory_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, release, found = tmp_path / "counter_7.db", os.truncate, []
    metrics = MmapedDict(str(path))
    metrics.write_value("one", 1.0, 0.0)
    metrics.write_value("none", 0.0, 0.0)
    metrics.close()
    size = path.stat().st_size

    def watched(*arguments: object) -> None:
        release(*arguments)  # type: ignore[arg-type]
        found.append([value[:2] for value in MmapedDict.read_all_values_from_file(str(path))])

    monkeypatch.setattr(os, "truncate", watched)
    forget_process(7, str(tmp_path))
    assert found == [[("one", 1.0), ("none", 0.0)]] * 2
    assert path.stat().st_size == size

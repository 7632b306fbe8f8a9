"""Where the workers keep their metrics, without a worker; ../server/test_worker_metrics.py has real ones."""

import logging
import os
from pathlib import Path

import pytest

from nerve.service.observability import multiprocess
from nerve.service.observability.multiprocess import METRICS_FOLDER, shared_metrics


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

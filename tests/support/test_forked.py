"""A forked process is like one that `python -m` has started, as far as a service can tell."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.forked import Forked

Fork = Callable[..., Forked]


@pytest.fixture
def fork(tmp_path: Path) -> Iterator[Fork]:
    """Starts a module with arguments and variables; what it says to stderr is in the file `stderr`."""
    started: list[Forked] = []
    with (tmp_path / "stderr").open("wb") as stderr:

        def run(module: str, *arguments: str, **variables: str) -> Forked:
            started.append(Forked(module, list(arguments), variables, stderr.fileno()))
            return started[-1]

        yield run
    for process in started:
        process.kill()
        process.communicate()


def printed(fork: Fork, statement: str, **variables: str) -> str:
    """What a statement prints in a process of its own."""
    return fork("timeit", "-n1", "-r1", statement, **variables).communicate(60)[0].split("1 loop")[0].strip()


def test_it_prints_what_the_module_prints(fork: Fork) -> None:
    words = [sys.executable, "-m", "calendar", "2026"]
    other = subprocess.run(words, capture_output=True, text=True, check=True)
    assert fork("calendar", "2026").communicate(60)[0] == other.stdout


def test_a_module_that_ends_well_has_the_status_0(fork: Fork) -> None:
    assert fork("calendar", "2026").wait(60) == 0


def test_a_module_that_refuses_its_arguments_has_the_status_of_its_own(fork: Fork, tmp_path: Path) -> None:
    assert fork("calendar", "--nonsense").wait(60) == 2
    assert "--nonsense" in (tmp_path / "stderr").read_text()


def test_an_error_that_nobody_catches_is_a_traceback_and_the_status_1(fork: Fork, tmp_path: Path) -> None:
    assert fork("tests.support.nowhere").wait(60) == 1
    said = (tmp_path / "stderr").read_text()
    assert said.startswith("Traceback")
    assert said.endswith("No module named tests.support.nowhere\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_that_ends_it_is_its_status(fork: Fork, number: signal.Signals) -> None:
    process = fork("http.server", "0", "--bind", "127.0.0.1")
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(60) == -number


def test_one_that_has_not_ended_in_time_is_told(fork: Fork) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        fork("http.server", "0", "--bind", "127.0.0.1").wait(0.01)


def test_its_variables_are_those_that_were_given(fork: Fork) -> None:
    assert printed(fork, "import os; print(dict(os.environ))", ONE="1", TWO="ü") == "{'ONE': '1', 'TWO': 'ü'}"


def test_it_runs_in_the_root_of_the_repository(fork: Fork) -> None:
    assert printed(fork, "import os; print(os.getcwd())") == str(ROOT)


def test_nothing_of_ours_was_imported_before(fork: Fork) -> None:
    assert printed(fork, "import sys; print([name for name in sys.modules if name.split('.')[0] == 'nerve'])") == "[]"


def test_each_is_a_process_with_one_thread_and_its_own_id(fork: Fork) -> None:
    statement = "import os, threading; print(os.getpid(), len(os.listdir('/proc/self/task')))"
    process = fork("timeit", "-n1", "-r1", statement)
    assert process.communicate(60)[0].split()[:2] == [str(process.pid), "1"]
    assert process.pid != os.getpid()


def test_descriptors_are_the_three_streams_alone(fork: Fork) -> None:
    # The fourth is that of the folder which is listed.
    assert printed(fork, "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))") == "[0, 1, 2, 3]"

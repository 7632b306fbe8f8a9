"""The work for a text grows with its length and no faster, for everything that is done with a text.

Work is counted here, in lines of Python and in bytes, because a clock is never sure on a machine that others use;
`python -m bench.faults.growth` measures the time.
"""

import sys
from types import FrameType
from typing import Any

import pytest

from bench import faults
from bench.faults.growth import LEAST_BYTES, LIMIT, PATHS, PATTERNS, Path, growth, main, peak_bytes, repeated

CHARACTERS = 1_000
FEW = PATTERNS[::3]
LEAST_LINES = 1_000


def lines(path: Path, text: str) -> int:
    """Return how many lines of Python are run."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        path(text)
    finally:
        sys.settrace(before)
    return count


def square(text: str) -> object:
    return [text[start:] + " " for start in range(0, len(text), 10) for _ in range(0, len(text), 10)]


@pytest.mark.parametrize("name", PATHS)
def test_twice_the_text_is_at_most_2_3_times_the_work(name: str) -> None:
    for pattern in FEW:
        shorter, longer = repeated(pattern, CHARACTERS), repeated(pattern, 2 * CHARACTERS)
        counts = [lines(PATHS[name], text) for text in (shorter, longer)]
        peaks = [peak_bytes(PATHS[name], text) for text in (shorter, longer)]
        assert growth(counts, LEAST_LINES) <= LIMIT, (name, pattern, counts)
        assert growth(peaks, LEAST_BYTES) <= LIMIT, (name, pattern, peaks)


def test_a_path_that_does_more_is_noticed() -> None:
    texts = [repeated("a", CHARACTERS), repeated("a", 2 * CHARACTERS)]
    assert growth([lines(square, text) for text in texts], LEAST_LINES) > LIMIT
    assert growth([peak_bytes(square, text) for text in texts], LEAST_BYTES) > LIMIT


@pytest.mark.parametrize(("exponent", "status"), [(1, 0), (2, 1)])
def test_the_command_prints_a_line_for_each_path_and_fails_where_time_grows_faster_than_the_text(
    exponent: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faults.growth, "seconds", lambda _path, text, _repeats: float(len(text)) ** exponent)
    assert main(["--characters", "100"]) == status
    printed = capsys.readouterr().out
    assert all(name in printed for name in PATHS)
    measurements = len(PATHS) * len(PATTERNS)
    assert f"{status * measurements:,} of {2 * measurements:,}" in printed

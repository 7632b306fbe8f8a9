"""The measure of growth tells a line from a square."""

import pytest

from tests.support.growth import is_linear


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda size: sum(n * n for n in range(size)), True),
        (lambda size: sum(n * m for n in range(size // 20) for m in range(size // 20)), False),
    ],
    ids=["a line", "a square"],
)
def test_only_a_square_is_not_linear(work, expected):
    assert is_linear(work, 10_000) == expected

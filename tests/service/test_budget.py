"""The bound of the memory that all requests of a process hold together."""

import pytest

from nerve.service.budget import LARGE_BYTES, LARGE_SHARE, MemoryBudget
from nerve.service.errors import UnavailableError

LIMIT = 8 * LARGE_BYTES


@pytest.fixture
def budget() -> MemoryBudget:
    return MemoryBudget(LIMIT)


def test_what_a_request_holds_is_given_back_at_its_end(budget: MemoryBudget) -> None:
    with budget.hold() as one, budget.hold() as other:
        one.resize(10)
        other.resize(5)
        other.grow(2)
        assert budget.held == 17
        one.resize(3)
        assert budget.held == 10
    assert budget.held == 0


def test_an_error_gives_back_what_was_held(budget: MemoryBudget) -> None:
    def too_much() -> None:
        with budget.hold() as holding:
            holding.resize(10)
            holding.resize(LIMIT + 1)

    with pytest.raises(UnavailableError):
        too_much()
    assert budget.held == 0


@pytest.mark.parametrize(("size", "limit"), [(LARGE_BYTES, LIMIT), (LARGE_BYTES + 1, int(LARGE_SHARE * LIMIT))])
def test_requests_hold_no_more_than_the_limit_and_large_ones_less(
    budget: MemoryBudget, size: int, limit: int
) -> None:
    holdings = [budget.hold() for _ in range(limit // size)]
    for holding in holdings:
        holding.resize(size)
    with pytest.raises(UnavailableError, match=rf"hold {budget.held:,} bytes .* the limit is {limit:,}") as refusal:
        budget.hold().resize(size)
    assert budget.held == len(holdings) * size
    assert (refusal.value.reason, refusal.value.headers) == ("memory_full", {"Retry-After": "1"})


def test_small_requests_are_admitted_while_large_ones_fill_their_share(budget: MemoryBudget) -> None:
    budget.hold().resize(int(LARGE_SHARE * LIMIT))
    with pytest.raises(UnavailableError):
        budget.hold().resize(LARGE_BYTES + 1)
    budget.hold().resize(LARGE_BYTES)


def test_a_request_may_always_hold_less(budget: MemoryBudget) -> None:
    large, small = budget.hold(), budget.hold()
    large.resize(int(LARGE_SHARE * LIMIT))
    small.resize(LARGE_BYTES)
    large.resize(int(LARGE_SHARE * LIMIT) - 1)
    assert budget.held == int(LARGE_SHARE * LIMIT) - 1 + LARGE_BYTES

"""The memory that all requests of a process may hold together: one bound in bytes for bodies, work and answers.

Every request has a `Holding`. It grows before the memory is taken, and a request that does not fit is refused, so the
sum over all connections stays bounded whatever each of them does.

    constant           value   what it trades, and the figure that chose it
    BYTES_PER_BODY     4       Bytes held for each byte of a body: the body, its text as a string of up to four bytes
                               a character, and the text in the answer.
    BYTES_PER_TOKEN    400     Bytes held for each token while it waits and is tagged. With prose and with words of
                               one character, 144 to 219 bytes were measured. A token of a text of several sentences
                               adds its emissions, 44 bytes with five labels, and a word that recurs about 100 more.
    LARGE_BYTES        2**18   Requests that hold more are large. Together they may hold LARGE_SHARE of the bound, so
    LARGE_SHARE        3/4     that those who send large bodies slowly cannot shut out those who send sentences.
"""

from types import TracebackType

from nerve.service.errors import UnavailableError

BYTES_PER_BODY = 4
BYTES_PER_TOKEN = 400
LARGE_BYTES = 256 * 1024
LARGE_SHARE = 3 / 4
RETRY_SECONDS = 1.0


def needed_bytes(body_bytes: int, tokens: int) -> int:
    """Return the smallest bound with which a request of this size can be answered."""
    return int((BYTES_PER_BODY * body_bytes + BYTES_PER_TOKEN * tokens) / LARGE_SHARE)


class MemoryBudget:
    """The bound and what is held of it.

    Attributes:
        limit: The most bytes that all requests may hold together.
        held: The bytes that they hold now.
    """

    def __init__(self, limit: int) -> None:
        """Begin with nothing held."""
        self.limit = limit
        self.held = 0

    def hold(self) -> "Holding":
        """Return a holding of 0 bytes."""
        return Holding(self)


class Holding:
    """What one request holds of a budget; as a context it is given back at the end."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: MemoryBudget) -> None:
        """Hold nothing of `budget` yet; `MemoryBudget.hold` is the way to make one."""
        self._budget = budget
        self.size = 0

    def resize(self, size: int) -> None:
        """Hold `size` bytes, more or fewer than before.

        Raises:
            UnavailableError: The requests together would hold more than the limit; nothing has changed then.
        """
        budget = self._budget
        held = budget.held + size - self.size
        if size > self.size:
            limit = budget.limit if size <= LARGE_BYTES else int(LARGE_SHARE * budget.limit)
            if held > limit:
                raise UnavailableError(
                    f"the requests under way hold {budget.held:,} bytes of memory, {size - self.size:,} more are "
                    f"needed; the limit is {limit:,}",
                    RETRY_SECONDS,
                    reason="memory_full",
                )
        budget.held = held
        self.size = size

    def grow(self, size: int) -> None:
        """Hold `size` bytes more, or fewer if it is negative; raise what `resize` does."""
        self.resize(self.size + size)

    def __enter__(self) -> "Holding":
        """Return the holding itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _frames: TracebackType | None
    ) -> None:
        """Give everything back."""
        self._budget.held -= self.size
        self.size = 0

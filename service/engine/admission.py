"""Whether a request may enter the queue: if it cannot be answered in time, it is refused at once.

    constant           value  what it trades, and the figure that chose it
    SAFETY_FACTOR      2      A larger factor refuses requests that would have been answered in time. With a smaller
                              one, requests are accepted that then time out, and the engine time spent on them is
                              wasted. With 2, none of 92,572 accepted requests timed out at three times the peak rate.
    ROUND_FRACTION     8      A longer queue survives longer bursts, but answers nobody sooner, and each waiting
                              request is a task and a connection that fall out of the processor's caches. With 2, some
                              1,400 requests waited and an answer took 917 µs of CPU time; with 8 it took 729 µs.
    SPEED_SMOOTHING    0.2    A larger weight follows a change of speed sooner, a smaller one is not fooled by one
                              slow batch. Ten full batches, about half a second, replace nine tenths of the estimate.
                              Other values were not measured.
    SPEED_FRACTION     2      Only batches of at least half of the bound count, since a small one costs mostly its
                              overhead. Batches of 32 sentences are as fast a sentence as those of 64.

docs/performance.md, "Overload" and "Serving", has the measurements.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from nerve.service.engine.scheduler import Scheduler
from nerve.service.errors import DeadlineError, UnavailableError

SAFETY_FACTOR = 2
ROUND_FRACTION = 8
SPEED_SMOOTHING = 0.2
SPEED_FRACTION = 2

# Of refusals, for the log and the metrics.
QUEUE_FULL = "queue_full"
WAIT_TOO_LONG = "wait_too_long"


class Admission:
    """The limits of the queue: its tokens, the predicted wait, and the time of one round.

    Args:
        scheduler: whose queue it guards.
        queue_tokens: the most tokens that may wait, those of texts that are still being read included.
    """

    def __init__(self, scheduler: Scheduler, queue_tokens: int) -> None:
        self._scheduler = scheduler
        self.queue_tokens = queue_tokens
        self.announced_tokens = 0
        """Tokens of the texts that are being read, as far as they have been announced."""
        self._arriving_requests = 0
        self._arriving_tokens = 0
        self.running_tokens = 0
        """Tokens of the batch that is in the engine."""
        self.tokens_per_second = 0.0
        """Estimated speed of the engine under load; 0 until a large batch has been timed."""

    def admit(self, tokens: int, seconds_left: float) -> None:
        """Check whether a request of this many tokens may enter the queue.

        Args:
            tokens: in all of its windows.
            seconds_left: until its deadline.

        Raises:
            DeadlineError: if the deadline has passed.
            UnavailableError: if there is no room, or no chance of an answer in time.
        """
        if seconds_left <= 0:
            raise DeadlineError("the deadline passed before the answer")
        self._check_room(tokens)
        self._check_wait(tokens, seconds_left)

    def check(self, tokens: int, seconds_left: float) -> None:
        """Check whether a request of about this many tokens has a chance, before any work is put into it.

        The estimate of the tokens may be far off, so the queue only has to have some room left.

        Raises:
            UnavailableError: if it has none.
        """
        self._check_room(1)
        self._check_wait(tokens, seconds_left)

    def reason_to_refuse(self, tokens: int, seconds_left: float) -> str:
        """Return the reason of the error that `check` would raise, or an empty string; to raise it costs far more."""
        if self._is_full(1):
            return QUEUE_FULL
        return WAIT_TOO_LONG if self._takes_too_long(tokens, seconds_left) else ""

    def let_in(self, tokens: int) -> None:
        """Count a request of about this many tokens as if it waited, until `arrived` is called.

        Several requests may come at the same moment. Without this, each of them would find the room that the first
        takes, and all but the first would be refused when work has been put into them.
        """
        self._arriving_requests += 1
        self._arriving_tokens += tokens

    def arrived(self, tokens: int) -> None:
        """Count the request no longer: it waits now, or has been refused."""
        self._arriving_requests -= 1
        self._arriving_tokens -= tokens

    @contextmanager
    def announced(self, tokens: int) -> Iterator[None]:
        """Reserve room in the queue for texts of about this many tokens, while they are being read.

        Raises:
            UnavailableError: if there is no room.
        """
        self._check_room(tokens)
        self.announced_tokens += tokens
        try:
            yield
        finally:
            self.announced_tokens -= tokens

    def measure(self, tokens: int, seconds: float) -> None:
        """Update the estimated speed with a batch of this many tokens, which took this long."""
        if SPEED_FRACTION * tokens < self._scheduler.batch_tokens or seconds <= 0:
            return
        speed = tokens / seconds
        estimate = self.tokens_per_second or speed
        self.tokens_per_second = estimate + SPEED_SMOOTHING * (speed - estimate)

    def _check_room(self, tokens: int) -> None:
        if self._is_full(tokens):
            taken, speed = self._taken, self.tokens_per_second
            raise UnavailableError(
                f"the queue is full: {taken:,} tokens wait, {tokens:,} more were sent; "
                f"the limit is {self.queue_tokens:,}",
                retry_after=taken / speed if speed else 1.0,
                reason=QUEUE_FULL,
            )

    def _check_wait(self, tokens: int, seconds_left: float) -> None:
        if not self._takes_too_long(tokens, seconds_left):
            return
        wait = self._predicted_wait(tokens)
        if wait > seconds_left:
            raise UnavailableError(
                f"the predicted wait is {wait:.1f} s; the deadline is in {seconds_left:.1f} s",
                retry_after=wait - seconds_left,
                reason=WAIT_TOO_LONG,
            )
        seconds = self._round_seconds()
        raise UnavailableError(
            f"the queue needs {seconds:.1f} s to give each waiting request a turn; the limit is "
            f"{seconds_left / ROUND_FRACTION:.1f} s, 1/{ROUND_FRACTION} of the time to the deadline",
            retry_after=seconds,
            reason=WAIT_TOO_LONG,
        )

    def _is_full(self, tokens: int) -> bool:
        return self._taken + tokens > self.queue_tokens

    @property
    def _taken(self) -> int:
        return self._scheduler.waiting_tokens + self.announced_tokens + self._arriving_tokens

    def _takes_too_long(self, tokens: int, seconds_left: float) -> bool:
        return self.tokens_per_second > 0 and (
            self._predicted_wait(tokens) > seconds_left or self._round_seconds() > seconds_left / ROUND_FRACTION
        )

    def _predicted_wait(self, tokens: int) -> float:
        """Seconds until a request of this many tokens would be answered, if it came now; rather too many."""
        # Requests take turns, so of each other one at most as much comes first as this one has itself, or a quantum.
        ahead = self._tokens_of_turns(max(tokens, self._scheduler.quantum))
        return (SAFETY_FACTOR * (self.running_tokens + ahead) + tokens) / self.tokens_per_second

    def _round_seconds(self) -> float:
        """Seconds in which each waiting request has one turn."""
        return self._tokens_of_turns(self._scheduler.quantum) / self.tokens_per_second

    def _tokens_of_turns(self, turn: int) -> int:
        """Tokens of the queue, of each request at most a turn."""
        queue = self._scheduler
        requests = queue.waiting_requests + self._arriving_requests
        return min(queue.waiting_tokens + self._arriving_tokens, requests * turn)

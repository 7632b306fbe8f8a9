"""Between the requests and the engine: windows of many requests wait here and leave in batches.

There is no timer. A free engine takes what waits, at once; while it works, others arrive, and batches form by
themselves under load. Requests take turns of some tokens, so that a long document cannot hold up short texts.
Everything here runs on the event loop; only `Engine.run` may leave it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from nerve.service.engine.job import Item, Job
from nerve.service.engine.registry import Recognizer
from nerve.service.errors import DeadlineError, EngineError, UnavailableError
from nerve.service.observability.failures import log_failure

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window

# How much one full batch moves the running estimate of the engine's speed.
RATE_SMOOTHING = 0.2

# A sentence that comes waits for the batch in the engine, and then for its own. While sentences come, at most so many
# seconds apart, documents fill batches to this fraction of their bound only: they take a little longer, and sentences
# much less.
SHORT_FRACTION = 8
SHORT_SECONDS = 1.0

# A turn is worth this fraction of a batch's bound, or a longer window. Were it one window, a text of two short
# sentences would wait for its second one as long again, behind all who came later, and under overload beyond its
# deadline.
TURN_FRACTION = 32

# What comes before a request counts so many times in its predicted wait: a prediction is not exact, and what was
# accepted and is then too late has cost others their turn for nothing.
CAUTION = 2

# The line, a turn of each who waits, may take this part of the time to a request's deadline. A longer one answers
# nobody sooner, and each who stands in it costs the others time (docs/performance.md).
LINE_FRACTION = 8

# Deadlines that pass one after another are looked at no more often than this.
EXPIRY_SECONDS = 0.01


class EngineStoppedError(Exception):
    """The engine can run no further batch, whatever is in it."""


class Engine(Protocol):
    async def run(self, recognizer: Recognizer, windows: "Sequence[Window]") -> "list[Tagging]":
        """The taggings of `windows`, in their order. Raises EngineStoppedError when no call can succeed any more,
        anything else when this one failed."""
        ...


class Observer(Protocol):
    """Who is told what happens here: `nerve.service.observability.metrics.Metrics`."""

    def waiting(self, requests: int, tokens: int) -> None:
        """So many requests have windows that wait, of so many tokens in all."""

    def waited(self, seconds: float) -> None:
        """The engine has taken the first window of a request, which had waited so long."""

    def ran(self, windows: int, tokens: int, seconds: float) -> None:
        """The engine has answered a batch; the tokens are without padding."""


class _Nobody:
    def waiting(self, requests: int, tokens: int) -> None: ...

    def waited(self, seconds: float) -> None: ...

    def ran(self, windows: int, tokens: int, seconds: float) -> None: ...


NOBODY: Observer = _Nobody()


class Batcher:
    """`batch_tokens` bounds a batch by its longest window times its windows, since padding is paid for; a window
    longer than that travels alone. `queue_tokens` bounds what waits."""

    def __init__(self, engine: Engine, batch_tokens: int, queue_tokens: int, observer: Observer = NOBODY) -> None:
        self._engine = engine
        self._observer = observer
        self._batch_tokens = batch_tokens
        self._turn_tokens = batch_tokens // TURN_FRACTION
        self._queue_tokens = queue_tokens
        self._unanswered: set[Job] = set()
        # The jobs with windows left to take, in the order of their turns: a dictionary as an ordered set.
        self._waiting: dict[Job, None] = {}
        self._waiting_tokens = 0
        self._announced_tokens = 0
        self._running_tokens = 0
        self._tokens_per_second = 0.0  # 0 until a full batch has been timed
        self._short_until = 0.0
        self._expiry: asyncio.TimerHandle | None = None
        # Since when it has been working without a pause, up to the end of the last batch; 0 in a pause.
        self._busy_since = 0.0
        self._arrival = asyncio.Event()
        self._departure = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take what waits. To be called once, in the running event loop."""
        self._worker = asyncio.get_running_loop().create_task(self._work(), name="batcher")
        self._worker.add_done_callback(self._worker_ended)

    @property
    def alive(self) -> bool:
        """Whether a window submitted now could be tagged."""
        return self._worker is not None and not self._worker.done() and not self._closing

    @property
    def waiting_tokens(self) -> int:
        return self._waiting_tokens

    async def submit(self, recognizer: Recognizer, windows: "Sequence[Window]", deadline: float) -> "list[Tagging]":
        """The taggings of `windows`, in their order. `deadline` is a time of the event loop's clock.

        Raises UnavailableError when it is refused at once, DeadlineError when the deadline passes first and
        EngineError when the engine raised. When the caller is cancelled, windows not yet taken cost nothing.
        """
        if not self.alive:
            raise stopped(self._closing)
        if not windows:
            return []
        loop = asyncio.get_running_loop()
        job = Job(recognizer, windows, deadline, loop.create_future(), loop.time())
        self._admit(job.waiting_tokens, deadline - loop.time())
        if self._unanswered and job.waiting_tokens <= self._batch_tokens // SHORT_FRACTION:
            self._short_until = job.submitted + SHORT_SECONDS
        self._unanswered.add(job)
        self._waiting[job] = None
        self._waiting_tokens += job.waiting_tokens
        self._arrival.set()
        self._expire_at(deadline)
        try:
            return await job.answer
        finally:
            self._forget(job)

    def check(self, tokens: int, seconds_left: float) -> None:
        """Raises UnavailableError where a request of about so many tokens has no chance: to be asked before any work
        is put into one."""
        self._check_place(1)
        self._check_wait(tokens, seconds_left)

    @contextmanager
    def announced(self, tokens: int) -> Iterator[None]:
        """Texts of about so many tokens, which are being read in this block, have a place in the queue.

        Raises UnavailableError where there is none.
        """
        self._check_place(tokens)
        self._announced_tokens += tokens
        try:
            yield
        finally:
            self._announced_tokens -= tokens

    async def room(self) -> None:
        """Returns when no more than half of the queue is taken: for who would rather wait than be refused."""
        while 2 * self._waiting_tokens > self._queue_tokens:
            self._departure.clear()
            await self._departure.wait()

    def tell_waiting(self) -> None:
        """Tell the observer what waits, as with each batch: for whoever is to see what is so now."""
        self._observer.waiting(len(self._waiting), self._waiting_tokens)

    async def close(self, within: float) -> None:
        """Take nothing new, finish what waits in `within` seconds, refuse the rest."""
        self._closing = True
        if self._unanswered:
            await asyncio.wait([job.answer for job in self._unanswered], timeout=within)
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])

    def _admit(self, tokens: int, seconds_left: float) -> None:
        if seconds_left <= 0:
            raise DeadlineError("the deadline passed before the answer")
        self._check_place(tokens)
        self._check_wait(tokens, seconds_left)

    def _check_wait(self, tokens: int, seconds_left: float) -> None:
        wait = self._predicted_wait(tokens)
        if wait > seconds_left:
            raise UnavailableError(
                f"the predicted wait is {wait:.1f} s; the deadline is in {seconds_left:.1f} s",
                retry_after=wait - seconds_left,
                reason="wait_too_long",
            )
        line = self._line_seconds()
        if line > seconds_left / LINE_FRACTION:
            raise UnavailableError(
                f"those who wait need {line:.1f} s for a turn each; "
                f"the limit is {seconds_left / LINE_FRACTION:.1f} s, a part of the time to the deadline",
                retry_after=line,
                reason="wait_too_long",
            )

    def _check_place(self, tokens: int) -> None:
        taken, rate = self._waiting_tokens + self._announced_tokens, self._tokens_per_second
        if taken + tokens > self._queue_tokens:
            raise UnavailableError(
                f"the queue is full: {taken:,} tokens wait, {tokens:,} more were sent; "
                f"the limit is {self._queue_tokens:,}",
                retry_after=taken / rate if rate else 1.0,
                reason="queue_full",
            )

    def _predicted_wait(self, tokens: int) -> float:
        """Seconds to the answer of a request of so many tokens that came now, rather too many; 0 as long as the speed
        is unknown."""
        if not self._tokens_per_second:
            return 0.0
        # Requests take turns, so of each other one at most as much comes first as this one has itself, or a turn.
        ahead = min(self._waiting_tokens, len(self._waiting) * max(tokens, self._turn_tokens))
        return (CAUTION * (self._running_tokens + ahead) + tokens) / self._tokens_per_second

    def _line_seconds(self) -> float:
        """Seconds in which each who waits has a turn; 0 as long as the speed is unknown."""
        if not self._tokens_per_second:
            return 0.0
        return min(self._waiting_tokens, len(self._waiting) * self._turn_tokens) / self._tokens_per_second

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._busy_since = 0.0
                self._arrival.clear()
                await self._arrival.wait()
            batch = self._take_batch()
            if batch:
                await self._run(batch)

    def _take_batch(self) -> "list[Item]":
        """A turn of each waiting job, while the padded batch stays in its bound; then further ones of each, while it
        stays in a fraction of that: whoever comes meanwhile waits for all of it. Whose windows do not fit keeps its
        turn; who has had it goes to the end of the line."""
        now = asyncio.get_running_loop().time()
        # The loop's timers are late when it is busy, and whoever is too late must not cost compute.
        if self._expiry is not None and self._expiry.when() <= now:
            self._expire()
        batch: list[Item] = []
        longest = 0
        turn = list(self._waiting)
        had_turn: set[Job] = set()
        bound = self._batch_tokens
        while turn:
            served = []
            for job in turn:
                if job.answer.done():  # its client has left
                    self._forget(job)
                    continue
                # One batch runs through one model: that of the job whose turn it is.
                if batch and job.recognizer is not batch[0].job.recognizer:
                    continue
                taken = 0
                while job.waiting and (not batch or max(longest, job.next_length) * (len(batch) + 1) <= bound):
                    if taken and taken + job.next_length > self._turn_tokens:
                        had_turn.add(job)
                        break
                    item = job.take()
                    batch.append(item)
                    longest = max(longest, item.length)
                    taken += item.length
                if taken:
                    self._waiting_tokens -= taken
                    served.append(job)
                elif longest * (len(batch) + 1) > bound:
                    break  # not even the shortest window would fit
            turn = [job for job in served if job in had_turn]
            bound = self._filled_bound()
        for job in dict.fromkeys(item.job for item in batch):
            if job in had_turn or not job.waiting:
                del self._waiting[job]
            if job.waiting:
                self._waiting[job] = None
            if not job.begun:
                job.begun = True
                self._observer.waited(now - job.submitted)
        self._departure.set()
        self.tell_waiting()
        return sorted(batch, key=lambda item: item.length, reverse=True)

    def _filled_bound(self) -> int:
        sentences_come = asyncio.get_running_loop().time() < self._short_until
        return self._batch_tokens // SHORT_FRACTION if sentences_come else self._batch_tokens

    async def _run(self, batch: "list[Item]") -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        tokens = self._running_tokens = sum(item.length for item in batch)
        try:
            taggings = await self._engine.run(
                batch[0].job.recognizer, [item.job.windows[item.position] for item in batch]
            )
            if len(taggings) != len(batch):
                raise RuntimeError(f"the engine answered {len(batch)} windows with {len(taggings)} taggings")
        except EngineStoppedError:
            raise
        except Exception as error:
            for job in {item.job for item in batch}:
                failure = EngineError()
                failure.__cause__ = error
                job.fail(failure)
                self._forget(job)
            return
        finally:
            self._running_tokens = 0
        ended = loop.time()
        # Without a pause since the last batch, what lies between the two is part of the speed: on a busy machine the
        # requests themselves, which are read and answered meanwhile.
        self._measure(tokens, ended - (self._busy_since or started))
        self._busy_since = ended
        self._observer.ran(len(batch), tokens, ended - started)
        for item, tagging in zip(batch, taggings, strict=True):
            item.job.put(item.position, tagging)

    def _measure(self, tokens: int, seconds: float) -> None:
        # A small batch costs mostly its overhead, and says nothing about the speed under load.
        if 2 * tokens < self._batch_tokens or seconds <= 0:
            return
        rate = tokens / seconds
        known = self._tokens_per_second or rate
        self._tokens_per_second = known + RATE_SMOOTHING * (rate - known)

    def _expire_at(self, when: float) -> None:
        """One timer for all requests, at the first deadline: a timer for each, set and cancelled, would cost each of
        them 5 µs."""
        if self._expiry is None or when < self._expiry.when():
            if self._expiry is not None:
                self._expiry.cancel()
            self._expiry = asyncio.get_running_loop().call_at(when, self._expire)

    def _expire(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        now = asyncio.get_running_loop().time()
        for job in [job for job in self._unanswered if job.deadline <= now]:
            job.fail(DeadlineError("the deadline passed before the answer"))
            self._forget(job)
        if self._unanswered:
            first = min(job.deadline for job in self._unanswered)
            self._expire_at(max(first, now + EXPIRY_SECONDS))

    def _forget(self, job: "Job") -> None:
        self._waiting.pop(job, None)
        self._waiting_tokens -= job.waiting_tokens
        job.drop()
        self._unanswered.discard(job)
        self._departure.set()

    def _worker_ended(self, worker: "asyncio.Task[None]") -> None:
        if not worker.cancelled() and (error := worker.exception()):
            log_failure(error, "the batcher")
        for job in list(self._unanswered):
            job.fail(stopped(worker.cancelled()))
            self._forget(job)


def stopped(closing: bool) -> UnavailableError:
    """Why nothing is answered any more: it is to end, or its engine did."""
    if closing:
        return UnavailableError("the service is shutting down", reason="stopping")
    return UnavailableError("the engine has stopped", reason="engine_stopped")

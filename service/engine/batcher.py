"""Runs the engine: admitted requests wait in the scheduler's queue, and their windows leave it in batches.

There is no timer that waits for a batch to fill. A free engine takes what waits, at once; while it works, other
requests arrive, so under load batches form by themselves.

Everything here runs on the event loop; only `Engine.run` may leave it. Whether a request may enter is decided in
`admission`, which windows go next in `scheduler`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from nerve.service.engine.admission import Admission
from nerve.service.engine.job import Job, ScheduledWindow
from nerve.service.engine.registry import Recognizer
from nerve.service.engine.scheduler import Scheduler
from nerve.service.errors import DeadlineError, EngineError, UnavailableError
from nerve.service.observability.failures import log_failure

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window

# Deadlines that pass shortly after one another are handled together, at most this often.
EXPIRY_SECONDS = 0.01


class EngineStoppedError(Exception):
    """The engine can run no further batch, whatever is in it."""


class Engine(Protocol):
    """What the batcher needs of an engine."""

    async def run(self, recognizer: Recognizer, windows: "Sequence[Window]") -> "list[Tagging]":
        """Tag the windows of one batch.

        Returns:
            Their taggings, in their order.

        Raises:
            EngineStoppedError: if no call can succeed any more. Any other exception means that this one failed.
        """
        ...


class Observer(Protocol):
    """Is told what happens to the queue and in the engine; the metrics are one."""

    def waiting(self, requests: int, tokens: int) -> None:
        """This many requests have windows that wait, with this many tokens in all."""

    def waited(self, seconds: float) -> None:
        """The engine has taken the first window of a request, which had waited this long."""

    def ran(self, windows: int, tokens: int, seconds: float) -> None:
        """The engine has run a batch of this many windows and tokens, padding not counted."""


class _NoObserver:
    def waiting(self, requests: int, tokens: int) -> None: ...

    def waited(self, seconds: float) -> None: ...

    def ran(self, windows: int, tokens: int, seconds: float) -> None: ...


NO_OBSERVER: Observer = _NoObserver()


class Batcher:
    """The queue in front of an engine.

    Args:
        engine: runs one batch at a time.
        batch_tokens: the bound of a batch, in tokens of its longest window times its windows.
        queue_tokens: the most tokens that may wait.
        observer: is told what happens.
    """

    def __init__(
        self, engine: Engine, batch_tokens: int, queue_tokens: int, observer: Observer = NO_OBSERVER
    ) -> None:
        self._engine = engine
        self._observer = observer
        self._scheduler = Scheduler(batch_tokens)
        self.admission = Admission(self._scheduler, queue_tokens)
        """The limits of the queue."""
        self._answers: dict[Job, asyncio.Future[list[Tagging]]] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._arrival = asyncio.Event()
        self._departure = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run what waits. To be called once, in the running event loop."""
        self._worker = asyncio.get_running_loop().create_task(self._work(), name="batcher")
        self._worker.add_done_callback(self._worker_ended)

    @property
    def alive(self) -> bool:
        """Whether a window submitted now could be tagged."""
        return self._worker is not None and not self._worker.done() and not self._closing

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the windows that wait."""
        return self._scheduler.waiting_tokens

    async def submit(
        self, recognizer: Recognizer, windows: "Sequence[Window]", deadline: float, *, admitted: bool = False
    ) -> "list[Tagging]":
        """Tag windows. When the caller is cancelled, those that still wait are dropped.

        Args:
            recognizer: runs the windows.
            windows: of one request.
            deadline: a time of the event loop's clock.
            admitted: whether the request has been in the queue before. It is not refused a second time: what the
                engine has done for it would be lost.

        Returns:
            The taggings, in the order of the windows.

        Raises:
            UnavailableError: at once, if the request may not enter the queue.
            DeadlineError: when the deadline passes before the answer.
            EngineError: when the engine raised.
        """
        if not self.alive:
            raise stopped(self._closing)
        if not windows:
            return []
        loop = asyncio.get_running_loop()
        now = loop.time()
        job = Job(recognizer, windows, deadline, now)
        if not admitted:
            self.admission.admit(job.waiting_tokens, deadline - now)
        self._scheduler.add(job, now, alone=not self._answers)
        answer: asyncio.Future[list[Tagging]] = loop.create_future()
        self._answers[job] = answer
        self._arrival.set()
        self._expire_at(deadline)
        try:
            return await answer
        finally:
            self._forget(job)

    def check(self, tokens: int, seconds_left: float) -> None:
        """Check whether a request of about this many tokens has a chance, before any work is put into it.

        Raises:
            UnavailableError: if it has none.
        """
        self.admission.check(tokens, seconds_left)

    def announced(self, tokens: int) -> AbstractContextManager[None]:
        """Reserve room in the queue for texts of about this many tokens, while they are being read.

        Raises:
            UnavailableError: when the block is entered, if there is no room.
        """
        return self.admission.announced(tokens)

    async def room(self) -> None:
        """Wait until at most half of the queue is taken: for callers that would rather wait than be refused."""
        while 2 * self._scheduler.waiting_tokens > self.admission.queue_tokens:
            self._departure.clear()
            await self._departure.wait()

    def tell_waiting(self) -> None:
        """Tell the observer what waits now; otherwise it learns that with each batch."""
        self._observer.waiting(self._scheduler.waiting_requests, self._scheduler.waiting_tokens)

    async def close(self, within: float) -> None:
        """Accept nothing new, finish what waits within this many seconds, and refuse the rest."""
        self._closing = True
        if self._answers:
            await asyncio.wait(list(self._answers.values()), timeout=within)
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        previous_end = 0.0  # of the last batch; 0 after a pause
        while True:
            while not self._scheduler.waiting_requests:
                previous_end = 0.0
                self._arrival.clear()
                await self._arrival.wait()
            if batch := self._next_batch():
                previous_end = await self._run(batch, previous_end)

    def _next_batch(self) -> list[ScheduledWindow]:
        now = asyncio.get_running_loop().time()
        # The loop's timers are late when it is busy, and requests whose deadline has passed must not cost compute.
        if self._expiry is not None and self._expiry.when() <= now:
            self._expire()
        batch = []
        for window in self._scheduler.schedule(now):
            job = window.job
            if self._answers[job].done():
                continue  # its caller has been cancelled, and `submit` has not yet come to dropping it
            batch.append(window)
            if not job.started:
                job.started = True
                self._observer.waited(now - job.submitted)
        self._departure.set()
        self.tell_waiting()
        return batch

    async def _run(self, batch: list[ScheduledWindow], previous_end: float) -> float:
        """Run a batch, answer the jobs that are complete with it, and return the time at which it ended."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        tokens = self.admission.running_tokens = sum(window.length for window in batch)
        try:
            taggings = await self._engine.run(
                batch[0].job.recognizer, [window.job.windows[window.position] for window in batch]
            )
            if len(taggings) != len(batch):
                raise RuntimeError(f"the engine answered {len(batch)} windows with {len(taggings)} taggings")
        except EngineStoppedError:
            raise
        except Exception as error:
            for job in {window.job for window in batch}:
                failure = EngineError()
                failure.__cause__ = error
                self._fail(job, failure)
            return previous_end
        finally:
            self.admission.running_tokens = 0
        ended = loop.time()
        # Without a pause since the previous batch, what lies between the two is part of the speed: on a busy machine,
        # other requests are read and answered meanwhile.
        self.admission.measure(tokens, ended - (previous_end or started))
        self._observer.ran(len(batch), tokens, ended - started)
        for (job, position, _), tagging in zip(batch, taggings, strict=True):
            if job.put(position, tagging) and job in self._answers and not self._answers[job].done():
                self._answers[job].set_result(job.taggings)
        return ended

    def _expire_at(self, when: float) -> None:
        """Look for passed deadlines at this time.

        There is one timer for all requests, at the first deadline: a timer for each, set and cancelled, would cost
        each request 5 µs.
        """
        if self._expiry is None or when < self._expiry.when():
            if self._expiry is not None:
                self._expiry.cancel()
            self._expiry = asyncio.get_running_loop().call_at(when, self._expire)

    def _expire(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        now = asyncio.get_running_loop().time()
        for job in [job for job in self._answers if job.deadline <= now]:
            self._fail(job, DeadlineError("the deadline passed before the answer"))
        if self._answers:
            first = min(job.deadline for job in self._answers)
            self._expire_at(max(first, now + EXPIRY_SECONDS))

    def _fail(self, job: Job, error: Exception) -> None:
        answer = self._answers.get(job)
        if answer is not None and not answer.done():
            answer.set_exception(error)
        self._forget(job)

    def _forget(self, job: Job) -> None:
        self._scheduler.remove(job)
        answer = self._answers.pop(job, None)
        if answer is not None and answer.done() and not answer.cancelled():
            answer.exception()  # asyncio complains of an error that nobody looked at, as when the client has left
        self._departure.set()

    def _worker_ended(self, worker: "asyncio.Task[None]") -> None:
        if not worker.cancelled() and (error := worker.exception()):
            log_failure(error, "the batcher")
        for job in list(self._answers):
            self._fail(job, stopped(worker.cancelled()))


def stopped(closing: bool) -> UnavailableError:
    """Why nothing is answered any more: the service is shutting down, or its engine has stopped."""
    if closing:
        return UnavailableError("the service is shutting down", reason="stopping")
    return UnavailableError("the engine has stopped", reason="engine_stopped")

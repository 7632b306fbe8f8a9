"""The queue of requests, and which of their windows go into the engine next.

There is no event loop here, no thread and no clock: what is done depends on the queue and on the time that the caller
gives. The batcher calls `schedule` whenever the engine is free.

    constant            value  what it trades, and the figure that chose it
    QUANTUM_FRACTION    32     A smaller quantum is fairer to short requests, a larger one answers requests of several
                               sentences in one batch. With a quantum of one window, texts of two sentences waited
                               twice as long as predicted, and under overload some beyond their deadline.
    SHORT_FRACTION      8      While short requests arrive, smaller batches of documents let them into the engine
    SHORT_SECONDS       1.0    sooner, and cost the documents throughput. With this and a shorter switch interval of
                               the interpreter, the p99 of sentences beside a document of 1 MB fell from 301 ms to
                               about 30 ms.

docs/performance.md, "Overload", has the measurements.
"""

from nerve.service.engine.job import Job, ScheduledWindow

QUANTUM_FRACTION = 32
SHORT_FRACTION = 8
SHORT_SECONDS = 1.0


class Scheduler:
    """Round robin over the waiting requests, as deficit round robin (Shreedhar and Varghese 1995) without a deficit.

    A request may put `quantum` tokens into a batch per turn, and at least one window. Then it goes to the end of the
    queue. A request whose windows did not all fit keeps its place.

    Args:
        batch_tokens: the bound of a batch, in tokens of its longest window times its windows, since padding is
            computed as well. A longer window is a batch by itself.
    """

    def __init__(self, batch_tokens: int) -> None:
        self.batch_tokens = batch_tokens
        self.quantum = batch_tokens // QUANTUM_FRACTION
        self.waiting_tokens = 0
        # The requests with windows that wait, in the order of their turns: a dictionary as an ordered set.
        self._queue: dict[Job, None] = {}
        self._short_until = 0.0

    @property
    def waiting_requests(self) -> int:
        """Number of requests with windows that wait."""
        return len(self._queue)

    def add(self, job: Job, now: float, *, alone: bool) -> None:
        """Put a request at the end of the queue.

        Args:
            job: has at least one window.
            now: the time, in seconds of the clock that `schedule` is given.
            alone: whether no other request is in the queue or in the engine.
        """
        if not alone and job.waiting_tokens <= self.batch_tokens // SHORT_FRACTION:
            self._short_until = now + SHORT_SECONDS
        self._queue[job] = None
        self.waiting_tokens += job.waiting_tokens

    def remove(self, job: Job) -> None:
        """Drop what waits of a request, if anything does."""
        self._queue.pop(job, None)
        self.waiting_tokens -= job.waiting_tokens
        job.drop()

    def schedule(self, now: float) -> list[ScheduledWindow]:
        """Take the next batch out of the queue.

        Each waiting request has a turn, in the order of the queue, while the batch stays within its bound. Those that
        could use more than a quantum then have further turns, but only up to an eighth of the bound while short
        requests arrive: whoever comes meanwhile waits for the whole batch.

        All windows of a batch belong to one recognizer, that of the first request in the queue.

        Returns:
            The windows, longest first; none if nothing waits.
        """
        batch: list[ScheduledWindow] = []
        longest = 0
        bound = self.batch_tokens
        round_robin = list(self._queue)
        used_quantum: set[Job] = set()
        while round_robin:
            next_round = []
            for job in round_robin:
                if batch and job.recognizer is not batch[0].job.recognizer:
                    continue
                taken = 0
                while job.waiting:
                    length = job.next_length
                    if taken and taken + length > self.quantum:
                        next_round.append(job)
                        break
                    if batch and max(longest, length) * (len(batch) + 1) > bound:
                        break
                    batch.append(job.take())
                    longest = max(longest, length)
                    taken += length
                self.waiting_tokens -= taken
                if not taken and longest * (len(batch) + 1) > bound:
                    break  # not even the shortest window would fit
            used_quantum.update(next_round)
            round_robin = next_round
            bound = self._bound_of_further_turns(now)
        self._reorder(batch, used_quantum)
        batch.sort(key=lambda window: window.length, reverse=True)
        return batch

    def _bound_of_further_turns(self, now: float) -> int:
        return self.batch_tokens // SHORT_FRACTION if now < self._short_until else self.batch_tokens

    def _reorder(self, batch: list[ScheduledWindow], used_quantum: set[Job]) -> None:
        for job in dict.fromkeys(window.job for window in batch):
            if not job.waiting:
                del self._queue[job]
            elif job in used_quantum:
                del self._queue[job]
                self._queue[job] = None

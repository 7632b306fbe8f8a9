"""The metrics of `GET /metrics`, for Prometheus.

Every label has few values: routes are templates, methods and reasons come from lists, models and their labels from
the archives. Each process counts for itself. With several workers, prometheus_client keeps their numbers in small
files of shared memory, and the process that is asked adds them up, so one answer is about the whole service.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from nerve import __version__
from nerve.service.observability.multiprocess import METRICS_FOLDER
from nerve.service.observability.record import RequestRecord

OPENMETRICS = "application/openmetrics-text"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
TOKENS = (8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384)

# To read the memory is a call of the system, so it is read at most this often.
MEMORY_SECONDS = 1.0


class Recognizer(Protocol):
    """What the metrics show of a recognizer."""

    @property
    def labels(self) -> Sequence[str]:
        """The labels of the entities that it finds."""
        ...


class Model(Protocol):
    """What the metrics show of a model that is served."""

    @property
    def name(self) -> str:
        """The name that requests give."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the archive."""
        ...

    @property
    def card(self) -> Mapping[str, Any]:
        """With the language and the licence."""
        ...

    @property
    def recognizer(self) -> Recognizer:
        """Finds the entities."""
        ...


class Models(Protocol):
    """The models that are served; they change when one is reloaded."""

    @property
    def models(self) -> Sequence[Model]:
        """Those that are served now."""
        ...


class Metrics:
    """The metrics of this process, and their sums over all workers.

    Args:
        models: those that the metrics describe.
    """

    def __init__(self, models: Models) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        # Metrics with labels are cached functions of the labels' values: prometheus_client checks and converts the
        # values each time, 10 µs a request.
        self.requests = cache(
            Counter("nerve_http_requests", "Requests answered.", ("method", "route", "status"), registry=own).labels
        )
        self.seconds = cache(
            Histogram(
                "nerve_http_request_duration_seconds",
                "Time from a request's first byte to its answer.",
                ("method", "route"),
                registry=own,
                buckets=SECONDS,
            ).labels
        )
        self.in_flight = Gauge(
            "nerve_http_requests_in_flight",
            "Requests being answered.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.refused = cache(Counter("nerve_refused", "Requests refused.", ("reason",), registry=own).labels)
        self.texts = cache(Counter("nerve_texts", "Texts answered.", ("model",), registry=own).labels)
        self.tokens = cache(Counter("nerve_tokens", "Tokens of the texts answered.", ("model",), registry=own).labels)
        self.entities = cache(
            Counter(
                "nerve_entities", "Entities found in the texts answered.", ("model", "label"), registry=own
            ).labels
        )
        self.queue_requests = Gauge(
            "nerve_queue_requests",
            "Requests with sentences that wait for the engine.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.queue_tokens = Gauge(
            "nerve_queue_tokens", "Tokens that wait for the engine.", registry=own, multiprocess_mode="livesum"
        )
        self.queue_seconds = Histogram(
            "nerve_queue_wait_seconds",
            "Time that a request waits until the engine takes its first sentence.",
            registry=own,
            buckets=SECONDS,
        )
        self.batch_sentences = Histogram(
            "nerve_batch_sentences",
            "Sentences, or windows of long ones, in a batch.",
            registry=own,
            buckets=WINDOWS,
        )
        self.batch_tokens = Histogram(
            "nerve_batch_tokens", "Tokens in a batch, without padding.", registry=own, buckets=TOKENS
        )
        self.batch_seconds = Histogram(
            "nerve_batch_duration_seconds", "Time of a batch in the engine.", registry=own, buckets=SECONDS
        )
        self.reloads = cache(
            Counter("nerve_model_reloads", "Archives looked at again.", ("model", "outcome"), registry=own).labels
        )
        self.workers = Gauge("nerve_workers", "Processes that answer.", registry=own, multiprocess_mode="livesum")
        self._started = Gauge(
            "process_start_time_seconds",
            "Start of the oldest process, in seconds of the Unix epoch.",
            registry=own,
            multiprocess_mode="livemin",
        )
        self._memory = Gauge(
            "process_resident_memory_bytes",
            "Resident memory of all processes, pages that they share counted once for each.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._memory_read = 0.0
        self.workers.set(1)
        self._started.set(time.time())
        self._read_memory()
        self._all = own
        if folder := os.environ.get(METRICS_FOLDER):
            self._all = CollectorRegistry()
            MultiProcessCollector(self._all, folder)  # type: ignore[no-untyped-call]
        self._all.register(_Models(models))

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that the Accept header asks for, and the content type of that format."""
        self._read_memory()
        # The client chooses the format only: prometheus_client fails on versions that it does not know.
        encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept else "")
        return encode(self._all), content_type

    def answered(self, method: str, route: str, status: int, seconds: float, record: RequestRecord) -> None:
        """Count a request that has been answered.

        Args:
            method: of HTTP, or `other`.
            route: the template of its path, or `other`.
            status: of HTTP.
            seconds: from its first byte to its answer.
            record: what is known of it.
        """
        self.requests(method, route, status).inc()
        self.seconds(method, route).observe(seconds)
        if record.reason:
            self.refused(record.reason).inc()
        for reason, lines in record.refused_lines.items():
            self.refused(reason).inc(lines)
        if status < 400:
            for model, count in record.models.items():
                self.texts(model).inc(count.texts)
                self.tokens(model).inc(count.tokens)
                for label, number in count.entities.items():
                    self.entities(model, label).inc(number)
        self._read_memory()

    # The batcher's observer (nerve.service.engine.batcher.Observer).

    def waiting(self, requests: int, tokens: int) -> None:
        """Set the size of the queue."""
        self.queue_requests.set(requests)
        self.queue_tokens.set(tokens)

    def waited(self, seconds: float) -> None:
        """Count the time that a request waited for the engine."""
        self.queue_seconds.observe(seconds)

    def ran(self, sentences: int, tokens: int, seconds: float) -> None:
        """Count a batch."""
        self.batch_sentences.observe(sentences)
        self.batch_tokens.observe(tokens)
        self.batch_seconds.observe(seconds)

    def _read_memory(self) -> None:
        now = time.monotonic()
        if now - self._memory_read >= MEMORY_SECONDS:
            self._memory_read = now
            if (size := _resident_bytes()) is not None:
                self._memory.set(size)


class _Models:
    """A collector of the version and the models; they are the same in each process."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[InfoMetricFamily]:
        yield InfoMetricFamily("nerve_build", "The version that runs.", value={"version": __version__})
        family = InfoMetricFamily("nerve_model", "The models that are served.")
        for model in self._models.models:
            card = {key: str(model.card[key]) for key in ("language", "licence")}
            card |= {"labels": ",".join(model.recognizer.labels), "sha256": model.digest}
            family.add_metric((), {"model": model.name, **card})
        yield family


def _resident_bytes() -> int | None:
    """The resident memory of this process, where the system tells."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

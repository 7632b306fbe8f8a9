"""The record of one request: what its log line and the metrics say of it. It never holds a text or a part of one.

The outermost middleware begins the record, each part of the service writes down what it learns, and the middleware
reads the record when the answer has been sent. A context variable carries it, so that no signature has to.
"""

from collections import Counter, defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class ModelCounts:
    """What one model read and found; `entities` counts by label, before labels and `min_score` filter them."""

    texts: int = 0
    tokens: int = 0
    entities: Counter[str] = field(default_factory=Counter)


@dataclass
class RequestRecord:
    """What is known of one request.

    Attributes:
        request_id: The id that the client sent or the service made.
        client: The name of the API key that the request sent.
        models: What each model read and found for this request.
        reason: Why the request was refused, such as `queue_full`.
        refused_lines: How many lines of a stream were refused, by reason.
    """

    request_id: str = ""
    client: str = ""
    models: defaultdict[str, ModelCounts] = field(default_factory=lambda: defaultdict(ModelCounts))
    reason: str = ""
    refused_lines: Counter[str] = field(default_factory=Counter)

    def add(self, line: "RequestRecord") -> None:
        """Count what the models read and found for one line of this request, a stream."""
        for name, counts in line.models.items():
            self.models[name].texts += counts.texts
            self.models[name].tokens += counts.tokens
            self.models[name].entities += counts.entities


_current: ContextVar[RequestRecord] = ContextVar("request_record")


def begin(request_id: str) -> RequestRecord:
    """Begin a record, which is the current one for the rest of this task."""
    record = RequestRecord(request_id)
    _current.set(record)
    return record


def current() -> RequestRecord:
    """Return the record of the request that this task answers; outside of a request, one that nobody reads."""
    return _current.get(None) or RequestRecord()

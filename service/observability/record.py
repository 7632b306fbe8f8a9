"""What is known of one request: for its log line and for the metrics. Never a text, nor a piece of one.

The outermost middleware begins it, whoever learns something notes it, and the middleware reads it when the answer is
sent. It travels beside the data, in a context variable, so that no signature between the two has to carry it.
"""

from collections import Counter, defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Count:
    """`entities` are by label what a model found, before the request's labels and min_score choose from it."""

    texts: int = 0
    tokens: int = 0
    entities: Counter[str] = field(default_factory=Counter)


@dataclass
class Trace:
    request_id: str = ""
    client: str = ""
    """The name of the API key that it came with."""
    models: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    """What each of the models that the request asked was given, and found."""
    reason: str = ""
    """Why the request was refused, in the words of `errors.py`."""
    refused_lines: Counter[str] = field(default_factory=Counter)
    """Why lines of a stream were, in the same words."""

    def add(self, line: "Trace") -> None:
        """Count what a line of this request, a stream, was given, and found."""
        for name, count in line.models.items():
            self.models[name].texts += count.texts
            self.models[name].tokens += count.tokens
            self.models[name].entities += count.entities


_current: ContextVar[Trace] = ContextVar("trace")


def begin(request_id: str) -> Trace:
    """The trace of a request that has just arrived, from here on the current one of its task."""
    trace = Trace(request_id)
    _current.set(trace)
    return trace


def current() -> Trace:
    """The trace of the request that is being answered; outside of one, a trace that nobody reads."""
    return _current.get(None) or Trace()

"""A sentence of a corpus in our labels."""

from dataclasses import dataclass

from nerve.model.annotation import Span


@dataclass(frozen=True, slots=True)
class Annotated:
    """A sentence in our labels. `unknown` are spans of which nobody knows whether they are a name of ours."""

    tokens: tuple[str, ...]
    spans: tuple[Span, ...]
    unknown: tuple[Span, ...]

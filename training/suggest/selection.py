"""The choice of texts: the most uncertain ones, from many documents, out of a stream of any length."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may be annotated next."""

    text: str
    uncertainty: float
    """entropy of its tags for the work of annotating it (`uncertainties`)"""
    document: str = ""
    """the document that it is a part of; without a name it is one of its own"""
    fields: dict[str, Any] = field(default_factory=dict)
    """what else its record holds"""


def fingerprint(text: str) -> bytes:
    """What two texts have in common that differ in white space alone, so that tokens are compared with a text."""
    return blake2b("".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Selection:
    """The best texts so far. The k-th best text of a document counts for a k-th of its uncertainty.

    So a document of which the tagger is unsure everywhere gives several texts, but not all of them. Only the selected
    texts are held, which loses none: while texts are added, the k-th best of a document can only become better, so
    what is worse than `limit` others stays so.

    Args:
        limit: How many texts to select.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._documents: dict[str, list[Candidate]] = {}
        """by name; the most uncertain text first"""
        self._prints: set[bytes] = set()
        self._least = 0.0
        """what a text must be worth, at least, to be selected"""

    def __len__(self) -> int:
        return len(self._prints)

    def add(self, candidate: Candidate) -> None:
        """Consider a text. One that is selected already is not selected twice."""
        if len(self) == self._limit and candidate.uncertainty <= self._least:
            return
        mark = fingerprint(candidate.text)
        if mark in self._prints:
            return
        self._prints.add(mark)
        name = f"document {candidate.document}" if candidate.document else f"text {mark.hex()}"
        texts = self._documents.setdefault(name, [])
        texts.insert(bisect_right(texts, -candidate.uncertainty, key=lambda one: -one.uncertainty), candidate)
        if len(self) > self._limit:
            worst = min(self._documents, key=self._last)
            self._prints.remove(fingerprint(self._documents[worst].pop().text))
            if not self._documents[worst]:
                del self._documents[worst]
        if len(self) == self._limit:
            self._least = min(map(self._last, self._documents))

    def best(self) -> list[Candidate]:
        """The selected texts, best first."""
        return [candidate for _, candidate in sorted(self._ranked(), key=lambda pair: -pair[0])]

    def _ranked(self) -> Iterator[tuple[float, Candidate]]:
        for texts in self._documents.values():
            for rank, candidate in enumerate(texts, start=1):
                yield candidate.uncertainty / rank, candidate

    def _last(self, name: str) -> float:
        """What the last text of a document is worth: the least of its texts."""
        texts = self._documents[name]
        return texts[-1].uncertainty / len(texts)

"""A file of annotated texts, read and counted once for everything that is said about it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from nerve.model.annotation import Sentence
from nerve.model.tags import spans_of
from nerve.training.data import detokenize
from nerve.training.data.formats import Document, FormatError, Loaded, Reading, load
from nerve.training.data.formats.alignment import cutting

FEWEST_DOCUMENTS = 10
"""A file that names fewer documents says nothing useful by it: often all records have one source."""

# So many documents tell how far our tokenizer agrees with a file.
_SAMPLE = 1000
_EXAMPLES = 4


class Placed(NamedTuple):
    """A sentence and where its document begins."""

    place: str
    sentence: Sentence


@dataclass(frozen=True)
class Examined:
    """A file with its sentences, names and words."""

    path: Path
    loaded: Loaded | None
    """None if nothing could be read"""
    error: str = ""
    """why nothing could be read"""

    @property
    def documents(self) -> Sequence[Document]:
        """All documents, with those that cannot be read."""
        return self.loaded.documents if self.loaded else ()

    @cached_property
    def sentences(self) -> list[Placed]:
        """All sentences that could be read, in order."""
        return [Placed(place(document), sentence) for document in self.documents for sentence in document.sentences()]

    @cached_property
    def labels(self) -> Counter[str]:
        """How many names each label has."""
        return Counter(span.label for _, sentence in self.sentences for span in spans_of(sentence.tags))

    @cached_property
    def names(self) -> dict[str, Counter[str]]:
        """The names of each label, each with its number."""
        found: dict[str, Counter[str]] = {label: Counter() for label in self.labels}
        for _, sentence in self.sentences:
            for span in spans_of(sentence.tags):
                found[span.label][detokenize.join(sentence.tokens[span.start : span.end])[0]] += 1
        return found

    @cached_property
    def words(self) -> Counter[str]:
        """How often each token occurs."""
        return Counter(token for _, sentence in self.sentences for token in sentence.tokens)

    @cached_property
    def sentence_lengths(self) -> list[int]:
        """Tokens of each sentence, sorted."""
        return sorted(len(sentence.tokens) for _, sentence in self.sentences)

    @cached_property
    def name_lengths(self) -> list[int]:
        """Tokens of each name, sorted."""
        return sorted(span.end - span.start for _, sentence in self.sentences for span in spans_of(sentence.tags))

    @cached_property
    def agreement(self) -> float | None:
        """Share of names that begin and end where tokens of our tokenizer do; None without names."""
        texts = [document.as_text() for document in self.documents[:_SAMPLE]]
        names = sum(len(text.spans) for text in texts)
        return 1 - sum(len(cutting(*text)) for text in texts) / names if names else None

    def examples(self, label: str) -> str:
        """The most frequent names of a label."""
        return ", ".join(name[:30] for name, _ in self.names.get(label, Counter()).most_common(_EXAMPLES))


def examine(paths: Sequence[Path], reading: Reading | None = None) -> list[Examined]:
    """The files, each read as far as it can be."""
    return list(_examined(paths, reading or Reading()))


def _examined(paths: Sequence[Path], reading: Reading) -> Iterator[Examined]:
    for path in paths:
        try:
            yield Examined(path, load(path, reading))
        except FormatError as error:
            yield Examined(path, None, str(error))


def place(document: Document) -> str:
    """Where a document begins, `FILE:LINE`."""
    return f"{document.path}:{document.line}"


def key(document: Document) -> str:
    """What two documents with the same text have in common, however it was cut into tokens; "" if it is short."""
    tokens = [token for sentence in document.sentences() for token in sentence.tokens]
    return "".join(tokens) if len(tokens) >= 5 else ""


def same_text(document: Document) -> str:
    """What two documents with the same text have in common, however it is spaced and in whatever case; as `key`."""
    return key(document).casefold()

"""spaCy's DocBin, the `.spacy` files that spaCy 3 trains on.

Needs spaCy (the extra `spacy`), which is imported when such a file is met.
"""

from collections.abc import Iterator
from pathlib import Path

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import tags_from
from nerve.training.data.formats.document import Document, Reading
from nerve.training.data.formats.extras import required
from nerve.training.data.formats.lines import FormatError


def documents(path: Path, _: Reading) -> Iterator[Document]:
    """The sentences of a file, or documents where it has none; the line of each is its document's number.

    Raises:
        FormatError: spaCy is not installed, or the file is damaged.
    """
    spacy = required(path, "spacy", "spacy", "a DocBin of spaCy")
    tokens = required(path, "spacy.tokens", "spacy", "a DocBin of spaCy")
    try:
        docs = list(tokens.DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    except Exception as error:  # whatever msgpack and numpy raise for bytes that are not theirs
        fact = (str(error).splitlines() or [type(error).__name__])[0]
        raise FormatError(path, 1, f"the DocBin cannot be read: {fact}") from None
    return _documents(path, docs)


def _documents(path: Path, docs: list) -> Iterator[Document]:  # type: ignore[type-arg]
    for number, doc in enumerate(docs, start=1):
        parts = list(doc.sents) if doc.has_annotation("SENT_START") else [doc[:]]
        for part in parts:
            words = [token for token in part if not token.is_space]
            place = {token.i: position for position, token in enumerate(words)}
            spans = []
            for name in part.ents:
                inside = [place[token.i] for token in name if token.i in place]
                if inside:
                    spans.append(Span(inside[0], inside[-1] + 1, name.label_))
            if words:
                tags = tags_from(spans, len(words))
                group = f"document {number}" if len(parts) > 1 else ""
                yield Document(path, number, Sentence(tuple(token.text for token in words), tags), group)

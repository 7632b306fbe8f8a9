"""From records to their results, in order. Only one chunk of records is held at a time."""

from collections.abc import Iterable, Iterator

from nerve import Result
from nerve.bulk.errors import BulkError
from nerve.bulk.models import Models
from nerve.bulk.record import Record
from nerve.tagger import BATCH_SIZE

# Of a chunk, for each token of the models' batches: 64 KiB on a CPU, 1 MiB on a GPU. A text that is longer is alone.
CHARACTERS_A_TOKEN = 16
CHUNK_CHARACTERS = 1 << 16


def annotate(
    records: Iterable[Record], models: Models, *, chunk_size: int = BATCH_SIZE, strict: bool = False
) -> Iterator[tuple[Record, Result | None]]:
    """Tag records, which are read ahead of their results by one chunk.

    Args:
        records: any iterable of them. If it raises an error, the results of the records before it come first.
        models: they tag the records.
        chunk_size: records in a chunk, at most.
        strict: whether a record that could not be read is an error.

    Returns:
        An iterator with each record and its result, which is None for a record that could not be read.

    Raises:
        BulkError: from the iterator, if `strict`, behind the results of the records before.
    """
    for chunk in chunks(records, chunk_size, CHARACTERS_A_TOKEN * models.batch_tokens):
        results = iter(models.tag([record.source for record in chunk if not record.error]))
        for record in chunk:
            if record.error and strict:
                raise BulkError(record.error)
            yield record, None if record.error else next(results)


def chunks(records: Iterable[Record], size: int, most_characters: int = CHUNK_CHARACTERS) -> Iterator[list[Record]]:
    """The records in lists of at most `size`, and of about so many characters, or one that is longer."""
    chunk: list[Record] = []
    characters = 0
    try:
        for record in records:
            chunk.append(record)
            characters += len(record.source) if isinstance(record.source, str) else sum(map(len, record.source))
            if len(chunk) >= size or characters >= most_characters:
                yield chunk
                chunk, characters = [], 0
    except Exception:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk

"""From records to lines of output, in order. Only one chunk of records is held at a time."""

from collections.abc import Iterable, Iterator

from nerve.bulk.errors import BulkError
from nerve.bulk.models import Models
from nerve.bulk.records import Record
from nerve.bulk.writers import Writer
from nerve.tagger import BATCH_SIZE

# Of a chunk, for each token of the models' batches: 64 KiB on a CPU, 1 MiB on a GPU. A text that is longer is alone.
CHARACTERS_A_TOKEN = 16
CHUNK_CHARACTERS = 1 << 16


def annotate(
    records: Iterable[Record], models: Models, write: Writer, *, chunk_size: int = BATCH_SIZE, strict: bool = False
) -> Iterator[tuple[str, int, str]]:
    """Tag records, which are read ahead of their lines by one chunk.

    Args:
        records: any iterable of them. If it raises an error, the lines of the records before it come first.
        models: they tag the records.
        write: turns a record and its result into lines.
        chunk_size: records in a chunk, at most.
        strict: whether a record that could not be read is an error.

    Returns:
        An iterator with the lines, the number of tokens, and the error of each record (empty for a good one).

    Raises:
        BulkError: from the iterator, if `strict`, behind the lines of the records before.
    """
    for chunk in chunks(records, chunk_size, CHARACTERS_A_TOKEN * models.batch_tokens):
        results = iter(models.tag([record.source for record in chunk if not record.error]))
        for record in chunk:
            if record.error and strict:
                raise BulkError(record.error)
            result = None if record.error else next(results)
            yield write(record, result), result.token_count if result is not None else 0, record.error


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

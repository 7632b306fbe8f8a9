"""Measure how time and memory grow when a text doubles, for everything that is done with a text.

    python -m bench.faults.growth
    python -m bench.faults.growth --characters 80000 --repeats 9

Prints a line for each path and each pattern that grew by more than LIMIT, then the largest growth of each path, and
exits with 1 if there was such a line. Time is the CPU time of the thread, the best of several; memory is the peak of
what Python allocates. The texts are as short as by default so that what is made of them fits into the processor's
caches: with longer ones, an item of a list takes the longer the more of the caches other programs have.
"""

import argparse
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from nerve.model.annotation import Entity
from nerve.model.tags import spans_of, tags_from
from nerve.model.tokenizer import sentences
from nerve.model.vocabulary import Vocabulary
from nerve.service.annotate.document import Annotation, Document, read
from nerve.service.annotate.gazetteer import Gazetteer
from nerve.service.annotate.offsets import in_unit
from nerve.service.annotate.redaction import OPERATORS, Growth, Operator, Redact, redacted
from nerve.service.api.answers import json_bytes
from nerve.service.api.labelling import controls_of
from nerve.service.api.requests import EntitiesRequest, parse_request
from nerve.service.errors import InvalidRequestError, TooLargeError
from nerve.service.settings import Settings

LIMIT = 2.3
# Below these, the clock and the allocator say more than the text.
LEAST_SECONDS = 0.0005
LEAST_BYTES = 100_000
MORE_TRIES = 4

PATTERNS = (
    *("a", "A ", "a.", ".", "'", "' ", "-", "a-", "@", "a@", "a@a.", "1,", "1.", "&", "&a", ":", "(", "A. ", "U.S. "),
    *("a\n", "\n", " ", "\r\n", "Mr. ", "http://a", "www.", "don't ", "\u0301", "a\u0301", "\u200d", "👩\u200d", "🇩"),
    *("中", "中。", "。", "タ", "ひ", "𠮷", "\u00a0", "\u2028", "…", "!", "Angela Merkel visited Munich. ", "İ", "ﷺ"),
)
PHRASES = {"ONE": ["a", "a a", "aa", "a" * 50, "中中", ".."], "TWO": ["Angela", "Angela Merkel visited", "1 , 1"]}
Path = Callable[[str], object]


def _entities(text: str) -> tuple[Document, list[Entity]]:
    """Return a document, and every second token of it as an entity."""
    document = read(text)
    return document, [Entity(start, end, "PER", word, 0.5) for word, start, end in document.tokens[::2]]


def _words(text: str) -> object:
    vocabulary = Vocabulary.build([["Angela", "Merkel"]])
    return [vocabulary.ids([token.text for token in sentence]) for sentence in sentences(text)]


def _gazetteer(text: str) -> object:
    document, entities = _entities(text)
    gazetteer = Gazetteer(PHRASES, ["a a a", "中 中 中"], case_sensitive=False)
    return gazetteer.entities(Annotation(document, entities))


def _offsets(text: str) -> object:
    return [in_unit(text, range(0, len(text), 2), unit) for unit in ("utf16", "utf8")]


def _redaction(operator: Callable[[], Operator]) -> Path:
    def path(text: str) -> object:
        document, entities = _entities(text)
        with suppress(TooLargeError):  # hashes of a text of one-character tokens are over the limit of an answer
            return redacted(document.text, entities, {"LOC": Redact()}, operator(), Growth([text]))
        return None

    return path


def _tags(text: str) -> object:
    tokens = read(text).tokens
    tags = [("O", "B-PER", "I-PER")[n % 3] for n in range(len(tokens))]
    return tags_from(spans_of(tags), len(tags))


def _answer(text: str) -> object:
    document, entities = _entities(text)
    return json_bytes({"text": document.text, "ents": [entity.to_json() for entity in entities], "model": "en"})


def _request(text: str) -> object:
    body = json_bytes({"text": text, "gazetteer": {"always": {}}})
    return parse_request(body, Settings(), EntitiesRequest)


def _labelling(text: str) -> object:
    try:
        return controls_of(f"<View>{'<Label/>' * (len(text) // 8)}</View>", ["PER"])
    except InvalidRequestError:
        return None


PATHS: Mapping[str, Path] = {
    "sentences and tokens": sentences,
    "words of the vocabulary": _words,
    "gazetteer": _gazetteer,
    "offsets": _offsets,
    **{f"redaction, {operator.name}": _redaction(operator) for operator in OPERATORS},
    "tags": _tags,
    "JSON of the answer": _answer,
    "request": _request,
    "labelling configuration": _labelling,
}


def repeated(pattern: str, characters: int) -> str:
    """Return a text of about so many characters."""
    return pattern * (characters // len(pattern))


def seconds(path: Path, text: str, repeats: int) -> float:
    """Return the CPU time of the thread, in seconds; the best of several.

    The garbage collector is paused, as in the service for long texts: it would walk all tokens again and again.
    """
    best = float("inf")
    gc.disable()
    try:
        for _ in range(repeats):
            began = time.thread_time()
            path(text)
            best = min(best, time.thread_time() - began)
    finally:
        gc.enable()
    return best


def peak_bytes(path: Path, text: str) -> int:
    """Return the most bytes that Python had allocated at once."""
    tracemalloc.start()
    try:
        path(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def growth(amounts: Sequence[float], least: float) -> float:
    """Return how many times the first of two amounts is in the second; amounts below `least` count as that."""
    first, second = amounts
    return max(second, least) / max(first, least)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every path with every pattern; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.growth", description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=20_000, help="of the shorter text")
    parser.add_argument("--repeats", type=int, default=5, help="how often to measure a time; the best counts")
    options = parser.parse_args(arguments)
    excessive = 0
    print(f"largest growth from {options.characters:,} to {2 * options.characters:,} characters")
    for name, path in PATHS.items():
        largest = {"time": (0.0, ""), "memory": (0.0, "")}
        for pattern in PATTERNS:
            texts = [repeated(pattern, size * options.characters) for size in (1, 2)]
            times = [seconds(path, text, options.repeats) for text in texts]
            for _ in range(MORE_TRIES):  # on a busy machine, the caches belong to others for a while
                if growth(times, LEAST_SECONDS) <= LIMIT:
                    break
                again = [seconds(path, text, 2 * options.repeats) for text in texts]
                times = list(map(min, times, again))
            peaks = [peak_bytes(path, text) for text in texts]
            for what, factor in (
                ("time", growth(times, LEAST_SECONDS)),
                ("memory", growth(peaks, LEAST_BYTES)),
            ):
                largest[what] = max(largest[what], (factor, pattern))
                if factor > LIMIT:
                    excessive += 1
                    print(f"  {name}, {pattern!a}: {what} grew {factor:.2f} times", flush=True)
        found = ", ".join(f"{what} {factor:.2f} ({pattern!a})" for what, (factor, pattern) in largest.items())
        print(f"{name:<28} {found}", flush=True)
    print(f"{excessive} of {2 * len(PATHS) * len(PATTERNS):,} grew more than {LIMIT} times")
    return int(excessive > 0)


if __name__ == "__main__":
    sys.exit(main())

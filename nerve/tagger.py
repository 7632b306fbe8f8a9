"""`load` and `Tagger`: a trained model that finds the entities of texts, in this process and without a server.

Importing this takes no torch; `load` does, and the seconds that it needs.
"""

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, overload

from nerve.model.annotation import MIN_SCORE, Entity, Tokens
from nerve.model.bundled import AUTO, locate, names_of
from nerve.model.languages import Language, most_suitable
from nerve.model.min_score import MinScore, by_label
from nerve.model.tokenizer import joined, sentences
from nerve.patterns import NAMES, REGIONS
from nerve.result import Result

if TYPE_CHECKING:
    from nerve.model.recognizer import Recognizer
    from nerve.patterns.recognition import Patterns

Device = Literal["auto", "cpu", "cuda"]
GivenTokens = Sequence[str] | Sequence[Sequence[str]]
"""The tokens of a sentence, or of several sentences."""

DEVICES = ("auto", "cpu", "cuda")

# Enough texts for batches that are full and alike in length.
BATCH_SIZE = 1_024
# So many of the model's batches are read at once, whatever the texts hold; a text that is longer is alone. On a CPU
# these are 16,384 tokens, on a GPU 262,144.
BATCHES = 4


class _Document(NamedTuple):
    """A text and the tokens of its sentences, none of which is empty."""

    text: str
    sentences: Sequence[Tokens]


def load(
    name_or_path: str | os.PathLike[str], device: Device = "auto", threads: int = 1, *, weights_only: bool = False
) -> "Tagger":
    """Load a model.

    Args:
        name_or_path: the name of a bundled model, such as `en`, or the path of an archive. A string that is a bundled
            name always means the bundled model; a file of that name is `./en` or `Path("en")`. `auto` is all bundled
            models: each sentence is read by the one for its language.
        device: where the model runs. `auto` is `cuda` if torch finds a CUDA device, else `cpu`.
        threads: how many CPU threads torch may use for this model, whatever it may use for others. The steps of this
            model are small: more than one thread gains little, and loses much where other programs are busy.
        weights_only: read the archive as data and execute none of the TorchScript in it, which may do what it wants:
            for an archive that you do not trust. The answers are the same.

    Raises:
        ArchiveError: there is no such model, it cannot be loaded, or there is no CUDA device.
        ValueError: `device` is none of the three, or `threads` is less than 1.
    """
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}; it must be one of {', '.join(DEVICES)}")
    if threads < 1:
        raise ValueError(f"threads is {threads}; it must be at least 1")
    names = names_of(name_or_path) if isinstance(name_or_path, str) else [name_or_path]
    paths = [locate(name) for name in names]

    # Not at the top, because torch takes seconds to import.
    from nerve.model import archive
    from nerve.model.recognizer import Recognizer

    archives = [archive.load(path, device, weights_only=weights_only) for path in paths]
    return Tagger([Recognizer(one) for one in archives], threads)


class Tagger:
    """A model, or several, that find the entities of texts. `nerve.load` makes it.

    Several threads may call the same tagger. They take turns, one batch at a time, and gain no speed.
    """

    def __init__(self, recognizers: "Sequence[Recognizer]", threads: int = 1) -> None:
        """Make a tagger of archives that have been loaded, and the number of CPU threads that torch may use."""
        self._recognizers = recognizers
        self._threads = threads
        self._batch_tokens = max(recognizer.archive.batch_tokens for recognizer in recognizers)
        # A model's table of words may be used by one thread at a time.
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The model's name, which the archive holds; `auto` for several models."""
        return self._recognizers[0].name if len(self._recognizers) == 1 else AUTO

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the models give, sorted."""
        return tuple(sorted({label for recognizer in self._recognizers for label in recognizer.labels}))

    @property
    def device(self) -> str:
        """Where the model runs: `cpu` or `cuda`."""
        return self._recognizers[0].archive.device

    @property
    def card(self) -> dict[str, Any]:
        """What the archive says of the model: corpora, licence, scores, settings of the training. All is JSON.

        Of several models it has the card of each, by name.
        """
        cards = {recognizer.name: recognizer.archive.card for recognizer in self._recognizers}
        return cards if len(cards) > 1 else cards[self.name]

    def language(self, text: str) -> Language:
        """The language of most of a text, and whether a model reads it; it finds no entities where it does not.

        Raises:
            TypeError: `text` is not a string.
        """
        document = _document_of_text(text)
        languages = [recognizer.languages for recognizer in self._recognizers]
        return languages[most_suitable(languages, text)].of_text(document.sentences)

    def __repr__(self) -> str:
        return f"<Tagger {self.name!r} on {self.device}: {', '.join(self.labels)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a tagger cannot be copied or sent to another process; call nerve.load there")

    @overload
    def __call__(
        self,
        text: str,
        *,
        labels: Collection[str] | None = None,
        min_score: MinScore = MIN_SCORE,
        context: bool = True,
        patterns: bool | Collection[str] = False,
        phone_regions: Sequence[str] = REGIONS,
    ) -> Result: ...
    @overload
    def __call__(
        self,
        *,
        tokens: GivenTokens,
        labels: Collection[str] | None = None,
        min_score: MinScore = MIN_SCORE,
        context: bool = True,
        patterns: bool | Collection[str] = False,
        phone_regions: Sequence[str] = REGIONS,
    ) -> Result: ...
    def __call__(
        self,
        text: str | None = None,
        *,
        tokens: GivenTokens | None = None,
        labels: Collection[str] | None = None,
        min_score: MinScore = MIN_SCORE,
        context: bool = True,
        patterns: bool | Collection[str] = False,
        phone_regions: Sequence[str] = REGIONS,
    ) -> Result:
        """Find the entities of one text.

        Args:
            text: the text. It may be of any length.
            tokens: instead of `text`, the list of a sentence's tokens, or a list of such lists. Tokens are tagged as
                they are. The result's text is all tokens with a space between them.
            labels: if given, only entities with one of these labels are returned.
            min_score: only entities with at least this score are returned; 0 for all. A dictionary has a score for
                some labels; the others have the default.
            context: whether the sentences of a text share what they say of a word that recurs in it. Without, each
                sentence is tagged as if it were a text.
            patterns: addresses and numbers to find beside the names: `True` for all of `nerve.patterns.NAMES`, or
                some of them. Where a name overlaps one, what is outside of the pattern is left of the name.
            phone_regions: whose telephone numbers are found without a country code, by ISO 3166.

        Raises:
            TypeError: `text` is not a string, `tokens` has another form, or both or none of them are given.
            ValueError: a token is empty, the model has no such label, there is no such pattern or region, or a
                `min_score` is not between 0 and 1.
        """
        choice = self._choice(labels, min_score, patterns, phone_regions)
        if (text is None) == (tokens is None):
            raise TypeError("give one text, or tokens=, and not both")
        document = _document_of_text(text) if tokens is None else _document_of_tokens(tokens)
        return self._results([document], choice, context=context)[0]

    @overload
    def pipe(
        self,
        texts: Iterable[str],
        *,
        batch_size: int = BATCH_SIZE,
        labels: Collection[str] | None = None,
        min_score: MinScore = MIN_SCORE,
        context: bool = True,
        patterns: bool | Collection[str] = False,
        phone_regions: Sequence[str] = REGIONS,
    ) -> Iterator[Result]: ...
    @overload
    def pipe(
        self,
        *,
        tokens: Iterable[GivenTokens],
        batch_size: int = BATCH_SIZE,
        labels: Collection[str] | None = None,
        min_score: MinScore = MIN_SCORE,
        context: bool = True,
        patterns: bool | Collection[str] = False,
        phone_regions: Sequence[str] = REGIONS,
    ) -> Iterator[Result]: ...
    def pipe(
        self,
        texts: Iterable[str] | None = None,
        *,
        tokens: Iterable[GivenTokens] | None = None,
        batch_size: int = BATCH_SIZE,
        labels: Collection[str] | None = None,
        min_score: MinScore = MIN_SCORE,
        context: bool = True,
        patterns: bool | Collection[str] = False,
        phone_regions: Sequence[str] = REGIONS,
    ) -> Iterator[Result]:
        """Find the entities of many texts: an iterator with a result for each text, in the same order.

        Texts are read lazily, one batch at a time, and nothing else is held, so the iterable may be endless. If a
        text cannot be read, the results of the texts before it come first, and then the error.

        Args:
            texts: any iterable of strings.
            tokens: instead of `texts`, an iterable whose items are what a call takes as `tokens`.
            batch_size: how many texts are read, at most, before their results are returned. With 1, the result of
                each text is returned before the next text is read. Fewer are read if they reach 16,384 tokens, on a
                GPU 262,144.
            labels: if given, only entities with one of these labels are returned.
            min_score: as for a call.
            context: as for a call. Texts never share anything with one another.
            patterns: as for a call.
            phone_regions: as for a call.

        Raises:
            TypeError: `texts` is one string or cannot be iterated; both or none of `texts` and `tokens` are given;
                or, from the iterator, an item is not what a call takes.
            ValueError: as for a call, or `batch_size` is less than 1.
        """
        choice = self._choice(labels, min_score, patterns, phone_regions)
        if (texts is None) == (tokens is None):
            raise TypeError("give texts, or tokens=, and not both")
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        name, read = ("texts", _document_of_text) if tokens is None else ("tokens", _document_of_tokens)
        given: Any = texts if tokens is None else tokens
        if isinstance(given, str | bytes):
            raise TypeError(f"{name} is one string; pipe takes many texts, for one text call the tagger itself")
        documents = (read(item, f"{name}[{number}]") for number, item in enumerate(given))
        return (
            result
            for batch in _batches(documents, batch_size, BATCHES * self._batch_tokens)
            for result in self._results(batch, choice, context=context)
        )

    def _results(self, documents: Sequence[_Document], choice: "_Choice", *, context: bool) -> list[Result]:
        from nerve.model.recognizers import annotate  # not at the top, because torch takes seconds to import

        with self._lock, _cpu_threads(self._threads):
            entities = annotate(self._recognizers, *map(list, zip(*documents, strict=True)), context=context)
        return [
            Result(text, choice(text, of_text), sentences, choice.labels)
            for (text, sentences), of_text in zip(documents, entities, strict=True)
        ]

    def _choice(
        self,
        labels: Collection[str] | None,
        min_score: MinScore,
        patterns: bool | Collection[str],
        phone_regions: Sequence[str],
    ) -> "_Choice":
        """Which entities are to be returned. Raises TypeError and ValueError."""
        for name, given in (("labels", labels), ("patterns", patterns), ("phone_regions", phone_regions)):
            if isinstance(given, str):
                raise TypeError(f"{name} is the string {given!r}; give a list, such as [{given!r}]")
        names = NAMES if patterns is True else tuple(patterns or ())
        if unknown := sorted(set(names).difference(NAMES)):
            raise ValueError(f"there is no pattern {unknown[0]!r}; the patterns are {', '.join(NAMES)}")
        known = (*self.labels, *(name for name in names if name not in self.labels))
        scored = min_score if isinstance(min_score, Mapping) else {}
        for label in (*sorted(labels or ()), *sorted(set(scored).difference(NAMES))):
            if label not in known:
                raise ValueError(f"{self.name} has no label {label!r}; its labels are {', '.join(known)}")
        for score in scored.values() if isinstance(min_score, Mapping) else (min_score,):
            if not 0 <= score <= 1:
                raise ValueError(f"min_score is {score}; it must be between 0 and 1")
        least = by_label(min_score, known if labels is None else labels)
        if not any(name in least for name in names):
            return _Choice(known, least, None)

        # Not at the top, because the numbering plans of all countries take a moment to import.
        from nerve.patterns.phone import plan
        from nerve.patterns.recognition import Patterns

        for region in phone_regions:
            plan(region)
        return _Choice(known, least, Patterns({name: least[name] for name in names if name in least}, phone_regions))


class _Choice(NamedTuple):
    """Which of the entities of a text are returned."""

    labels: tuple[str, ...]
    """those that there may be, whatever is asked for"""
    least: Mapping[str, float]
    """the score that an entity of each label needs; of other labels none is returned"""
    patterns: "Patterns | None"

    def __call__(self, text: str, learned: Sequence[Entity]) -> list[Entity]:
        found = self.patterns.beside(text, learned) if self.patterns else learned
        return [entity for entity in found if entity.score >= self.least.get(entity.label, math.inf)]


@contextmanager
def _cpu_threads(count: int) -> Iterator[None]:
    """Let torch use `count` CPU threads inside of this context."""
    import torch  # already imported: there is a model

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _document_of_text(text: object, name: str = "text") -> _Document:
    """Raises TypeError, which names the argument."""
    if not isinstance(text, str):
        raise TypeError(
            f"{name} is of type {type(text).__name__}, not a string; for many texts call pipe(texts), "
            "for text that is already tokenized give tokens="
        )
    return _Document(text, sentences(text))


def _document_of_tokens(tokens: object, name: str = "tokens") -> _Document:
    """Raises TypeError and ValueError, which name the argument."""
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Iterable):
        raise TypeError(f"{name} is of type {type(tokens).__name__}; it must be a list of strings, or of such lists")
    items = list(tokens)
    words = [items] if all(isinstance(item, str) for item in items) else items
    for sentence in words:
        if isinstance(sentence, str | bytes) or not isinstance(sentence, Iterable):
            raise TypeError(f"{name} has a {type(sentence).__name__} where it should have a list of strings")
    words = list(map(list, words))
    for word in chain.from_iterable(words):
        if not isinstance(word, str):
            raise TypeError(f"{name} has a {type(word).__name__} where it should have a string")
        if not word:
            raise ValueError(f"{name} has an empty token")
    text, flat = joined(list(chain.from_iterable(words)))
    lengths = list(map(len, words))
    places = zip(accumulate(lengths), lengths, strict=True)
    return _Document(text, [flat[end - length : end] for end, length in places if length])


def _batches(documents: Iterable[_Document], batch_size: int, batch_tokens: int) -> Iterator[list[_Document]]:
    """Group documents into batches of at most `batch_size`. A batch that reaches `batch_tokens` tokens ends early.

    If a document cannot be read, the documents before it are the last batch, and then the error is raised.
    """
    batch: list[_Document] = []
    tokens = 0
    try:
        for document in documents:
            batch.append(document)
            tokens += sum(map(len, document.sentences))
            if len(batch) >= batch_size or tokens >= batch_tokens:
                yield batch
                batch, tokens = [], 0
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch

"""From text to entities: the one path that the service, bulk tagging and raw-text evaluation share.

text -> windows of tokens (`windows`) -> tags and confidences (`tag`, the only step that computes) -> entities
(`entities`). No text is cut off: a window is a sentence, and a sentence too long for one window is read through
several that overlap, each of which answers for its own part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nerve.model.annotation import Entity, Token
from nerve.model.archive import Archive
from nerve.model.batch import BATCH_TOKENS, by_length
from nerve.model.tags import split
from nerve.model.tokenizer import sentences
from nerve.model.vocabulary import WordIds

MAX_WINDOW = 256
"""Longest window, in tokens; padding and latency are paid per longest window of a batch."""

MARGIN = 32
"""Tokens of context on either side of the part that a window of a longer sentence answers for."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the tagger sees at once. An entity belongs to the window whose core its first token is in."""

    tokens: tuple[Token, ...]
    words: tuple[WordIds, ...]
    core: tuple[int, int]
    """half-open, in tokens of this window"""

    def __len__(self) -> int:
        return len(self.tokens)


class Tagging(NamedTuple):
    """The tagger's answer for one window, a value per token; see `CRF.decode`."""

    tag_ids: list[int]
    confidences: list[float]


class Recognizer:
    """An archive that reads text."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.name = archive.name
        self.labels = archive.labels
        self._tags = [split(tag) for tag in archive.metadata.tags]

    def windows(self, text: str) -> list[Window]:
        """The windows of the sentences that the tokenizer finds in `text`."""
        return self.windows_of(sentences(text))

    def windows_of(self, sentences: Sequence[Sequence[Token]]) -> list[Window]:
        """Every token of `sentences`, none of them empty, in at least one window, and in the core of exactly one."""
        ids = self.archive.vocabulary.ids
        return [
            Window(tokens := tuple(part), ids([token.text for token in tokens]), core)
            for sentence in sentences
            for part, core in _parts(sentence)
        ]

    def tag(self, windows: Sequence[Window]) -> list[Tagging]:
        """Run the tagger over these windows as one batch. Call it from one thread."""
        tag_ids, confidences = self.archive.run([window.words for window in windows])
        return [
            Tagging(row[: len(window)], confidence[: len(window)])
            for window, row, confidence in zip(windows, tag_ids.tolist(), confidences.tolist(), strict=True)
        ]

    def entities(self, text: str, windows: Sequence[Window], taggings: Sequence[Tagging]) -> list[Entity]:
        """The entities of `text`, in order and without overlap, from the taggings of its windows."""
        found: list[Entity] = []
        reached = 0  # of two windows that see one name differently, the first is believed
        for window, tagging in zip(windows, taggings, strict=True):
            for first, last, label in self._spans(tagging.tag_ids):
                start, end = window.tokens[first].start, window.tokens[last].end
                if window.core[0] <= first < window.core[1] and start >= reached:
                    found.append(Entity(start, end, label, text[start:end], tagging.confidences[last]))
                    reached = end
        return found

    def recognize(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in batches of bounded size."""
        return self.annotate(texts, [sentences(text) for text in texts])

    def annotate(self, texts: Sequence[str], sentences: Sequence[Sequence[Sequence[Token]]]) -> list[list[Entity]]:
        """The same, where the sentences of each text are known, as tokens with their places in it."""
        windows = [self.windows_of(of_text) for of_text in sentences]
        flat = [window for of_text in windows for window in of_text]
        taggings: dict[int, Tagging] = {}
        for batch in by_length([len(window) for window in flat], BATCH_TOKENS):
            taggings.update(zip(batch, self.tag([flat[n] for n in batch]), strict=True))
        answers = (taggings[n] for n in range(len(flat)))
        return [
            self.entities(text, of_text, [next(answers) for _ in of_text])
            for text, of_text in zip(texts, windows, strict=True)
        ]

    def _spans(self, tag_ids: list[int]) -> Iterator[tuple[int, int, str]]:
        """First and last token, and label, of each name. The CRF gives no invalid sequence."""
        position, count = 0, len(tag_ids)
        while position < count:
            prefix, label = self._tags[tag_ids[position]]
            first = position
            position += 1
            if prefix != "O":
                while position < count and self._tags[tag_ids[position]] == ("I", label):
                    position += 1
                yield first, position - 1, label


def _parts(sentence: Sequence[Token]) -> Iterator[tuple[Sequence[Token], tuple[int, int]]]:
    """Windows of a sentence and their cores: the cores partition it, the windows reach MARGIN further."""
    if len(sentence) <= MAX_WINDOW:
        yield sentence, (0, len(sentence))
        return
    stride = MAX_WINDOW - 2 * MARGIN
    for start in range(0, len(sentence), stride):
        begin = max(0, start - MARGIN)
        end = min(len(sentence), start + stride)
        yield sentence[begin : end + MARGIN], (start - begin, end - begin)

"""From text to entities, for the service, for tagging in bulk and for scores on raw text.

text -> windows of tokens (`windows`) -> tags and confidences (`tag`, the only step with arithmetic) -> entities
(`entities`). No text is cut off. A window is a sentence; a sentence too long for one window gets several that
overlap, and each of them decides about its own core. A sentence in a language that the model does not read has none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from nerve.model.annotation import Entity, Token
from nerve.model.archive import Archive
from nerve.model.batch import BATCH_TOKENS, by_length
from nerve.model.languages import Languages
from nerve.model.tags import split
from nerve.model.tokenizer import seen, sentences
from nerve.model.vocabulary import WordIds

MAX_WINDOW = 256
"""Tokens of the longest window. A batch costs as much as if all its windows were as long as its longest."""

MARGIN = 32
"""Tokens of context on either side of the core of a window, if its sentence has more than one."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the tagger reads at once. An entity belongs to the window whose core holds the entity's first token."""

    tokens: tuple[Token, ...]
    words: tuple[WordIds, ...]
    core: tuple[int, int]
    """first token and end (exclusive), in tokens of this window"""

    def __len__(self) -> int:
        return len(self.tokens)


class Tagging(NamedTuple):
    """The tagger's answer for one window, a value for each token; see `CRF.decode`."""

    tag_ids: list[int]
    confidences: list[float]


class Recognizer:
    """Reads text with the tagger of an archive."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.name = archive.name
        self.labels = archive.labels
        self.languages = Languages(archive.metadata.language)
        self._tags = [split(tag) for tag in archive.metadata.tags]

    def windows(self, text: str) -> list[Window]:
        """The windows of the sentences that the tokenizer finds in `text`."""
        return self.windows_of(sentences(text))

    def windows_of(self, sentences: Sequence[Sequence[Token]]) -> list[Window]:
        """The windows of the sentences of one text, none of them empty, that the model reads.

        Each token of those is in the core of exactly one window, but for those of which there is nothing to see: they
        are in no window, so a name goes on behind `&nbsp;` and does not end with it.
        """
        ids = self.archive.vocabulary.ids
        readable = compress(sentences, self.languages.readable(sentences))
        return [
            Window(tokens := tuple(part), ids([token.text for token in tokens]), core)
            for sentence in readable
            for part, core in _parts(seen(sentence))
        ]

    def tag(self, windows: Sequence[Window]) -> list[Tagging]:
        """Tag these windows as one batch. Call it from one thread."""
        tag_ids, confidences = self.archive.run([window.words for window in windows])
        return [
            Tagging(row[: len(window)], confidence[: len(window)])
            for window, row, confidence in zip(windows, tag_ids.tolist(), confidences.tolist(), strict=True)
        ]

    def entities(self, text: str, windows: Sequence[Window], taggings: Sequence[Tagging]) -> list[Entity]:
        """The entities of `text`, in order and without overlap, from the taggings of its windows."""
        entities: list[Entity] = []
        reached = 0  # where two windows disagree about a name, the first one decides
        for window, tagging in zip(windows, taggings, strict=True):
            for first, last, label in self._spans(tagging.tag_ids):
                start, end = window.tokens[first].start, window.tokens[last].end
                if window.core[0] <= first < window.core[1] and start >= reached:
                    entities.append(Entity(start, end, label, text[start:end], tagging.confidences[last]))
                    reached = end
        return entities

    def recognize(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in batches of bounded size."""
        return self.annotate(texts, [sentences(text) for text in texts])

    def annotate(self, texts: Sequence[str], sentences: Sequence[Sequence[Sequence[Token]]]) -> list[list[Entity]]:
        """The entities of each text, given its sentences as tokens with their offsets in it."""
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
        """First token, last token and label of each name. The CRF never decodes an invalid sequence."""
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
    """Windows of a sentence, and their cores: the cores partition it, and MARGIN tokens surround each."""
    if not sentence:
        return
    if len(sentence) <= MAX_WINDOW:
        yield sentence, (0, len(sentence))
        return
    stride = MAX_WINDOW - 2 * MARGIN
    for start in range(0, len(sentence), stride):
        begin = max(0, start - MARGIN)
        end = min(len(sentence), start + stride)
        yield sentence[begin : end + MARGIN], (start - begin, end - begin)

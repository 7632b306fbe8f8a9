"""From text to entities, for the service, for tagging in bulk and for scores on raw text.

text -> windows of tokens (`windows`) -> tags and confidences (`tag`, the only step with tensors) -> entities
(`entities`). No text is cut off. A window is a sentence; a sentence too long for one window gets several that
overlap, and each of them decides about its own core. A sentence in a language that the model does not read has none.

Where the sentences of a text disagree about a word, `revisions` finds those to be tagged once more (see `context`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nerve.model.annotation import Entity, Tokens
from nerve.model.archive import Archive
from nerve.model.batch import by_length
from nerve.model.context import (
    Names,
    Occurrence,
    Word,
    change,
    disagree,
    pooled,
    recurring,
    recurring_characters,
)
from nerve.model.languages import Languages
from nerve.model.tags import OUTSIDE, split
from nerve.model.tokenizer import seen, sentences

MAX_WINDOW = 256
"""Tokens of the longest window. A batch costs as much as if all its windows were as long as its longest."""

MARGIN = 32
"""Tokens of context on either side of the core of a window, if its sentence has more than one."""


class Revision(NamedTuple):
    """What a window is decoded from the second time."""

    emissions: Tensor
    """(L, T), as `Tagging` has them"""
    positions: list[int]
    """the tokens of which the text has something to say"""
    changes: list[list[float]]
    """for each of them, what is added to the emissions of each label's tags; see `context.change`"""


@dataclass(slots=True)
class Window:
    """What the tagger reads at once. An entity belongs to the window whose core holds the entity's first token.

    Nobody changes one. It is not frozen because a frozen one takes three times as long to make.
    """

    tokens: Tokens
    core: tuple[int, int]
    """first token and end (exclusive), in tokens of this window"""
    recurring: Sequence[Occurrence] = ()
    """the words of the core that occur elsewhere in the text, too"""
    characters: Sequence[int] = ()
    """the positions of the core's characters that may be of a name that does; see `context.recurring_characters`"""
    revision: Revision | None = None
    """None the first time"""

    @property
    def words(self) -> list[str]:
        """The text of each token, which is all that the tagger reads of it."""
        return self.tokens.words

    @property
    def shared(self) -> list[int]:
        """The positions of the tokens whose evidence other sentences may use."""
        return [*(position for position, _ in self.recurring), *self.characters]

    def __len__(self) -> int:
        return len(self.tokens.words)


class Tagging(NamedTuple):
    """The tagger's answer for one window, a value for each token; see `CRF.decode`."""

    tag_ids: list[int]
    confidences: list[float]
    emissions: Tensor | None = None
    """(L, T), where the window has tokens whose evidence is shared"""
    marginals: Tensor | None = None
    """(R, K) of each of those tokens: the probability of each label and, as the last one, of no name"""


class Recognizer:
    """Reads text with the tagger of an archive."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.name = archive.name
        self.labels = archive.labels
        self.languages = Languages(archive.metadata.language)
        number = {tag: n for n, tag in enumerate(archive.metadata.tags)}
        self._outside = number[OUTSIDE]
        self._begins = {number[f"B-{label}"]: (label, number[f"I-{label}"]) for label in self.labels}
        """Of each tag that begins a name, its label and the tag that goes on with it."""
        columns = {label: n for n, label in enumerate((*self.labels, ""))}
        of_tags = [columns[split(tag)[1]] for tag in archive.metadata.tags]
        self._columns = torch.tensor(of_tags, device=archive.device)
        """(T) the number of each tag's label; that of no name is the last."""

    def windows(self, text: str) -> list[Window]:
        """The windows of the sentences that the tokenizer finds in `text`."""
        return self.windows_of(sentences(text))

    def windows_of(self, sentences: Sequence[Tokens], *, context: bool = True) -> list[Window]:
        """The windows of the sentences of one text, none of them empty, that the model reads.

        Each token of those is in the core of exactly one window, but for those of which there is nothing to see: they
        are in no window, so a name goes on behind `&nbsp;` and does not end with it.

        Args:
            sentences: all sentences of one text, as tokens.
            context: whether a sentence may learn from the others; without, it is tagged as if it were alone.
        """
        readable = compress(sentences, self.languages.readable(sentences))
        visible = [tokens for tokens in map(seen, readable) if tokens.words]
        windows: list[Window] = []
        for window in _shared(visible) if context and self.archive.crf is not None else map(_whole, visible):
            windows += [window] if len(window) <= MAX_WINDOW else _cut(window)
        return windows

    def tag(self, windows: Sequence[Window]) -> list[Tagging]:
        """Tag these windows as one batch. Call it from one thread."""
        first = [window for window in windows if window.revision is None]
        again = [(window, window.revision) for window in windows if window.revision is not None]
        of_first, of_again = iter(self._tag_first(first)), iter(self._tag_again(again))
        return [next(of_first if window.revision is None else of_again) for window in windows]

    def revisions(self, windows: Sequence[Window], taggings: Sequence[Tagging]) -> dict[int, Window]:
        """The windows of one text to be tagged again, because the text says something else of one of their words.

        Args:
            windows: all windows of the text.
            taggings: theirs.

        Returns:
            Those windows as they are to be tagged, by their number.
        """
        names = Names(chain.from_iterable(map(self._names, windows, taggings)))
        found = [list(_occurrences(*both, names)) for both in zip(windows, taggings, strict=True)]
        of_text = pooled((word, marginals) for _, word, marginals in chain.from_iterable(found))
        revisions: dict[int, Window] = {}
        for n, (tagging, occurrences) in enumerate(zip(taggings, found, strict=True)):
            if tagging.emissions is not None and any(disagree(own, of_text[word]) for _, word, own in occurrences):
                positions = [position for position, _, _ in occurrences]
                changes = [change(own, of_text[word]) for _, word, own in occurrences]
                revisions[n] = replace(windows[n], revision=Revision(tagging.emissions, positions, changes))
        return revisions

    def entities(self, text: str, windows: Sequence[Window], taggings: Sequence[Tagging]) -> list[Entity]:
        """The entities of `text`, in order and without overlap, from the taggings of its windows."""
        entities: list[Entity] = []
        reached = 0  # where two windows disagree about a name, the first one decides
        for window, tagging in zip(windows, taggings, strict=True):
            if tagging.tag_ids.count(self._outside) == len(tagging.tag_ids):
                continue
            words, starts = window.tokens.words, window.tokens.starts
            for first, last, label in self._spans(tagging.tag_ids):
                start, end = starts[first], starts[last] + len(words[last])
                if window.core[0] <= first < window.core[1] and start >= reached:
                    entities.append(Entity(start, end, label, text[start:end], tagging.confidences[last]))
                    reached = end
        return entities

    def recognize(self, texts: Sequence[str], *, context: bool = True) -> list[list[Entity]]:
        """The entities of each text, in batches of bounded size; see `windows_of` for `context`."""
        return self.annotate(texts, [sentences(text) for text in texts], context=context)

    def annotate(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Tokens]], *, context: bool = True
    ) -> list[list[Entity]]:
        """The entities of each text, given its sentences as tokens with their offsets in it; see `windows_of`."""
        windows = [self.windows_of(of_text, context=context) for of_text in sentences]
        taggings = self._in_batches(windows)
        revisions = list(map(self.revisions, windows, taggings))
        again = self._in_batches([list(of_text.values()) for of_text in revisions])
        for first, numbers, second in zip(taggings, revisions, again, strict=True):
            for n, tagging in zip(numbers, second, strict=True):
                first[n] = tagging
        return list(map(self.entities, texts, windows, taggings))

    def _in_batches(self, windows: Sequence[Sequence[Window]]) -> list[list[Tagging]]:
        """The taggings of each text's windows, tagged in batches of windows of similar length."""
        flat = [window for of_text in windows for window in of_text]
        taggings: dict[int, Tagging] = {}
        for batch in by_length([len(window) for window in flat], self.archive.batch_tokens):
            taggings.update(zip(batch, self.tag([flat[n] for n in batch]), strict=True))
        answers = (taggings[n] for n in range(len(flat)))
        return [[next(answers) for _ in of_text] for of_text in windows]

    def _tag_first(self, windows: Sequence[Window]) -> list[Tagging]:
        words = [window.words for window in windows]
        if self.archive.crf is None or not any(window.recurring or window.characters for window in windows):
            return _taggings(windows, *self.archive.run(words)) if windows else []
        emissions, lengths = self.archive.emissions(words)
        with torch.inference_mode():
            tag_ids, confidences, of_tags = self.archive.crf.decode_with_marginals(emissions, lengths)
            shared = [window.shared for window in windows]
            places = [(row, n) for row, of_window in enumerate(shared) for n in of_window]
            rows, columns = torch.tensor(places, device=of_tags.device).unbind(1)
            of_labels = of_tags.new_zeros(len(places), len(self.labels) + 1)
            of_labels.index_add_(1, self._columns, of_tags[rows, columns])
            marginals = torch.split(of_labels.float().cpu(), list(map(len, shared)))
        return [
            tagging._replace(emissions=scores[: len(window)], marginals=of_words) if len(of_words) else tagging
            for window, tagging, scores, of_words in zip(
                windows, _taggings(windows, tag_ids, confidences), emissions.unbind(), marginals, strict=True
            )
        ]

    def _tag_again(self, windows: Sequence[tuple[Window, Revision]]) -> list[Tagging]:
        if self.archive.crf is None or not windows:
            return []
        with torch.inference_mode():
            emissions = pad_sequence([revision.emissions for _, revision in windows], batch_first=True)
            places = [(row, n) for row, (_, revision) in enumerate(windows) for n in revision.positions]
            rows, columns = torch.tensor(places, device=emissions.device).unbind(1)
            changes = list(chain.from_iterable(revision.changes for _, revision in windows))
            emissions[rows, columns] += emissions.new_tensor(changes)[:, self._columns]
            lengths = torch.tensor([len(window) for window, _ in windows])
            tag_ids, confidences = self.archive.crf.decode(emissions, lengths)
        return _taggings([window for window, _ in windows], tag_ids, confidences)

    def _names(self, window: Window, tagging: Tagging) -> Iterator[str]:
        """The names of a window, all of whose characters may stand in the text again."""
        if window.characters:
            again = set(window.characters)
            for first, last, _ in self._spans(tagging.tag_ids):
                if first < last and again.issuperset(range(first, last + 1)):
                    yield "".join(window.words[first : last + 1])

    def _spans(self, tag_ids: list[int]) -> Iterator[tuple[int, int, str]]:
        """First token, last token and label of each name. The CRF never decodes an invalid sequence."""
        for first in [n for n, tag in enumerate(tag_ids) if tag in self._begins]:
            label, inside = self._begins[tag_ids[first]]
            last = first
            while last + 1 < len(tag_ids) and tag_ids[last + 1] == inside:
                last += 1
            yield first, last, label


def _taggings(windows: Sequence[Window], tag_ids: Tensor, confidences: Tensor) -> list[Tagging]:
    return [
        Tagging(row[: len(window)], confidence[: len(window)])
        for window, row, confidence in zip(windows, tag_ids.tolist(), confidences.tolist(), strict=True)
    ]


def _occurrences(window: Window, tagging: Tagging, names: Names) -> Iterator[tuple[int, Word, list[float]]]:
    """The position of each recurring word of a window, and of each character of these names, with its marginals."""
    if tagging.marginals is None:
        return
    found = names.occurrences(window.words, window.characters)
    row = {position: n for n, position in enumerate(window.characters, len(window.recurring))}
    rows = [*range(len(window.recurring)), *(row[position] for position, _ in found)]
    for (position, word), own in zip((*window.recurring, *found), tagging.marginals[rows].tolist(), strict=True):
        yield position, word, own


def _whole(sentence: Tokens) -> Window:
    return Window(sentence, (0, len(sentence)))


def _shared(sentences: Sequence[Tokens]) -> Iterator[Window]:
    """The sentences of one text as windows, with what they may share."""
    both = recurring(sentences), recurring_characters(sentences)
    for sentence, words, characters in zip(sentences, *both, strict=True):
        yield Window(sentence, (0, len(sentence)), words, characters)


def _cut(whole: Window) -> Iterator[Window]:
    """The windows of a long sentence: the cores partition it, and MARGIN tokens surround each."""
    sentence = whole.tokens
    stride = MAX_WINDOW - 2 * MARGIN
    for start in range(0, len(sentence), stride):
        begin, end = max(0, start - MARGIN), min(len(sentence), start + stride)
        words = [(n - begin, word) for n, word in whole.recurring if start <= n < end]
        characters = [n - begin for n in whole.characters if start <= n < end]
        yield Window(sentence[begin : end + MARGIN], (start - begin, end - begin), words, characters)

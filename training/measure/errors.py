"""What a tagger gets wrong, sentence by sentence: missed, spurious, wrong label, wrong boundary.

A name is right if gold has one with its boundaries and its label, as in `scores`. Of the others, a gold and a
predicted name that overlap are one error, at most one for each name. So the gold names that are not found are the
missed ones and those of both wrong kinds, and the predicted names that are not right the spurious ones and those of
both wrong kinds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from nerve.model.annotation import Span
from nerve.model.archive import Archive
from nerve.model.tags import spans_of
from nerve.model.vocabulary import UNKNOWN, Vocabulary, normal_form
from nerve.training.data.corpora import Corpus
from nerve.training.measure.calibration import SURE
from nerve.training.measure.probability import exactly, no_name, probabilities
from nerve.training.measure.scores import ScoredSentence, overlap, scored

Kind = Literal["missed", "spurious", "wrong label", "wrong boundary"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LENGTHS = (10, 20, 40)
"""The most tokens of a short, a medium and a long sentence; what is longer is the last group."""


@dataclass(frozen=True, slots=True)
class Error:
    """A disagreement of gold and tagger about one name."""

    gold: Span | None
    """None if spurious"""
    predicted: Span | None
    """None if missed"""
    score: float
    """the probability of what the tagger says: of its name, or that none is at the tokens of the missed one"""
    gold_score: float | None
    """the probability of the gold name; None if spurious"""

    @property
    def kind(self) -> Kind:
        """Which of the four kinds it is. A name with wrong boundaries may have a wrong label, too."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        same = (self.gold.start, self.gold.end) == (self.predicted.start, self.predicted.end)
        return "wrong label" if same else "wrong boundary"

    @property
    def suspicious(self) -> bool:
        """Whether the tagger is so sure that the annotation may be the mistake."""
        return self.score >= SURE

    @property
    def place(self) -> tuple[int, int]:
        """The first token of either name, and the end of the later one."""
        return _place(self.gold, self.predicted)


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """A sentence with what gold and tagger say of it."""

    number: int
    """its place in the file, from 1"""
    tokens: tuple[str, ...]
    names: ScoredSentence
    errors: tuple[Error, ...]
    """in the order of their places; empty if all is right"""

    @property
    def score(self) -> float:
        """How sure the tagger is of its surest error; 0 without one."""
        return max((error.score for error in self.errors), default=0.0)


@dataclass(frozen=True, slots=True)
class Group:
    """The names of one group: how many are in gold, right, and wrong in each way, and the F1 in percent."""

    names: int
    right: int
    kinds: Counter[Kind]
    f1: float


def read(archive: Archive, corpus: Corpus, split: str) -> list[ReadSentence]:
    """Every sentence of a split with its errors, in the order of the file."""
    sentences = corpus.splits[split]
    decoded = archive.decode([sentence.tokens for sentence in sentences])
    names = [
        scored(sentence, spans_of(tags), corpus.annotates)
        for sentence, (tags, _) in zip(sentences, decoded, strict=True)
    ]
    pairs = [paired(one) for one in names]
    tags = archive.metadata.tags
    asked = []
    for sentence, wrong in zip(sentences, pairs, strict=True):
        for gold, predicted in wrong:
            if gold is not None:
                asked.append((sentence.tokens, exactly(gold, len(sentence.tokens), tags)))
                if predicted is None:
                    asked.append((sentence.tokens, no_name(gold, len(sentence.tokens), tags)))
    answers = iter(probabilities(archive, asked))
    found = []
    for number, (sentence, own, wrong) in enumerate(zip(sentences, names, pairs, strict=True), start=1):
        confidences = decoded[number - 1][1]
        errors = []
        for gold, predicted in wrong:
            gold_score = None if gold is None else next(answers)
            score = next(answers) if predicted is None else confidences[predicted.end - 1]
            errors.append(Error(gold, predicted, score, gold_score))
        found.append(ReadSentence(number, sentence.tokens, own, tuple(errors)))
    return found


def paired(sentence: ScoredSentence) -> list[tuple[Span | None, Span | None]]:
    """The gold names and the predicted ones that are not right, each with the one of the other side that it met.

    A gold name meets at most one predicted name: of those that overlap it, first one with the same boundaries, then
    the one with which it shares most tokens, of these one with the same label, then the first.
    """
    gold = sorted(set(sentence.gold) - set(sentence.predicted))
    predicted = sorted(set(sentence.predicted) - set(sentence.gold))
    meetings = sorted(
        ((one, other) for one in gold for other in predicted if overlap(one, other)),
        key=lambda pair: _distance(*pair),
    )
    wrong: list[tuple[Span | None, Span | None]] = []
    for one, other in meetings:
        if one in gold and other in predicted:
            gold.remove(one)
            predicted.remove(other)
            wrong.append((one, other))
    wrong += [(one, None) for one in gold]
    wrong += [(None, other) for other in predicted]
    return sorted(wrong, key=lambda pair: _place(*pair))


def _place(*names: Span | None) -> tuple[int, int]:
    spans = [span for span in names if span is not None]
    return min(span.start for span in spans), max(span.end for span in spans)


def _distance(gold: Span, predicted: Span) -> tuple[bool, int, bool, Span, Span]:
    shared = min(gold.end, predicted.end) - max(gold.start, predicted.start)
    edges = (gold.start, gold.end) != (predicted.start, predicted.end)
    return edges, -shared, gold.label != predicted.label, gold, predicted


def suspicious_first(sentences: Iterable[ReadSentence]) -> list[ReadSentence]:
    """The wrong sentences, those first of whose errors the tagger is surest: likely mistakes of the annotation."""
    return sorted((one for one in sentences if one.errors), key=lambda one: (-one.score, one.number))


def by_label(sentences: Sequence[ReadSentence], labels: Sequence[str]) -> dict[str, Group]:
    """The names of each label. An error with two labels counts for that of gold; each F1 is that of `scores`."""

    def labelled(label: str) -> Group:
        return _group(sentences, lambda _, span: span.label == label)

    return {label: labelled(label) for label in labels}


def by_word(sentences: Sequence[ReadSentence], words: set[str]) -> dict[str, Group]:
    """The names all of whose words are `words`, and the others."""

    def seen(sentence: ReadSentence, span: Span) -> bool:
        return all(normal_form(token) in words for token in sentence.tokens[span.start : span.end])

    return {
        "all words seen in training": _group(sentences, seen),
        "a word unseen": _group(sentences, lambda sentence, span: not seen(sentence, span)),
    }


def by_length(sentences: Sequence[ReadSentence]) -> dict[str, Group]:
    """The names of shorter and longer sentences."""
    groups = {}
    for least, most in zip((1, *(end + 1 for end in LENGTHS)), (*LENGTHS, None), strict=True):
        own = [one for one in sentences if least <= len(one.tokens) and (most is None or len(one.tokens) <= most)]
        name = f"{least} to {most} tokens" if most else f"{least} tokens and more"
        groups[name] = _group(own, lambda _sentence, _span: True)
    return groups


def trained_words(archive: Archive) -> set[str]:
    """The normal forms of the words that the tagger learned, without those that it knows from vectors alone."""
    rows = archive.weights["words.columns.0.learned.weight"].shape[0]
    vocabulary: Vocabulary = archive.vocabulary
    return set(vocabulary.words[: rows - UNKNOWN - 1])


def _group(sentences: Sequence[ReadSentence], within: Callable[[ReadSentence, Span], bool]) -> Group:
    """The group of the names of which `within` is true."""
    gold = predicted = right = 0
    kinds: Counter[Kind] = Counter()
    for sentence in sentences:
        own = {span for span in sentence.names.gold if within(sentence, span)}
        gold += len(own)
        predicted += sum(within(sentence, span) for span in sentence.names.predicted)
        right += len(own & set(sentence.names.predicted))
        for error in sentence.errors:
            span = error.gold or error.predicted
            if span is not None and within(sentence, span):
                kinds[error.kind] += 1
    return Group(gold, right, kinds, 200 * right / max(1, gold + predicted))

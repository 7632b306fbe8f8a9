"""How `bench.bundled` compares taggers that read raw text: which texts they get, and which of their names are right.

A text is one sentence of a corpus, its tokens joined as one would write them. A name is right if it covers exactly
the characters of a gold name and has its label. One thing is forgiven to all: corpora disagree on whether an article
and a genitive belong to a name (`the White House`, `Apple's`), so both are cut from every span, gold or predicted.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated
from nerve.training.data.detokenize import join
from nerve.training.measure.scores import ScoredSentence, Scores, overlap, score


class Text(NamedTuple):
    """A raw text and its gold names, as spans of its code points.

    `unknown` are names of which the corpus does not say whether they are of a kind that is scored.
    """

    text: str
    names: tuple[Span, ...]
    unknown: tuple[Span, ...]


def as_texts(sentences: Iterable[Annotated]) -> list[Text]:
    """Each sentence as one would write it."""
    texts = []
    for sentence in sentences:
        text, offsets = join(sentence.tokens)
        names, unknown = (
            tuple(Span(offsets[span.start][0], offsets[span.end - 1][1], span.label) for span in spans)
            for spans in (sentence.spans, sentence.unknown)
        )
        texts.append(Text(text, names, unknown))
    return texts


def scored(
    gold: Sequence[Text],
    predicted: Sequence[Iterable[Span]],
    labels: Iterable[str],
    *,
    trim: bool = True,
    cut_titles: bool = False,
) -> Scores:
    """Strict figures, by seqeval, for the names of `labels` in each text.

    Args:
        gold: the texts with their names.
        predicted: what a tagger found in each of them; no two spans of a text overlap.
        labels: what is scored; names of other labels are no names.
        trim: cut an article and a genitive from every span.
        cut_titles: cut titles such as `Mr.` and `Prime Minister` from every person, too.
    """
    scored_texts = []
    for text, spans in zip(gold, predicted, strict=True):
        spans = [span for span in spans if not any(overlap(span, other) for other in text.unknown)]
        right, found = ([span for span in some if span.label in labels] for some in (text.names, spans))
        if trim:
            right, found = ([trimmed(text.text, span, cut_titles) for span in some] for some in (right, found))
        scored_texts.append(_in_pieces(right, found))
    return score(scored_texts)


def trimmed(text: str, span: Span, cut_titles: bool = False) -> Span:
    """The span without an article before the name and a genitive after it; something of it always stays."""
    start = span.start
    if cut_titles and span.label == "PER" and (titles := _TITLES.match(text, start, span.end)):
        start = titles.end()
    name = _NAME.fullmatch(text, start, span.end)
    return Span(*name.span(1), span.label) if name else span


_NAME = re.compile(r"(?:the\s+)?(.+?)(?:\s*['’]\s*s)?", re.IGNORECASE | re.DOTALL)
_TITLES = re.compile(
    r"""(?:(?:(?:Mr|Mrs|Ms|Dr)\.?
      | (?:(?:Vice|Prime|Foreign|Defense|Interior)\s+)?(?:President|Minister)
      | General | Senator | Secretary(?:\s+(?:General|of\s+State))?
      )\s+)+(?=\S)""",
    re.VERBOSE | re.IGNORECASE,
)


def _in_pieces(gold: Sequence[Span], predicted: Sequence[Span]) -> ScoredSentence:
    """Gold and predicted names as spans of pieces of the text, for seqeval.

    The pieces are what the edges of all these names cut the text into, so that two names are the same span exactly if
    they cover the same characters.
    """
    edges = sorted({edge for span in (*gold, *predicted) for edge in (span.start, span.end)})
    place = {edge: number for number, edge in enumerate(edges)}
    right, found = (
        tuple(Span(place[span.start], place[span.end], span.label) for span in spans) for spans in (gold, predicted)
    )
    return ScoredSentence(max(1, len(edges) - 1), right, found)

"""Scores of whole documents: their sentences are read as one text, and so share what they say of a word.

model/context.py is how they share it. The tokens and the sentences are the corpus's, so that only the context differs
from the scores of single sentences.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path

from nerve.model.annotation import Entity, Span, Token
from nerve.model.recognizer import Recognizer
from nerve.model.tokenizer import joined
from nerve.training.config import CorpusConfig
from nerve.training.data import datasets
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import Corpus
from nerve.training.data.formats import load
from nerve.training.measure.scores import ScoredSentence, scored


def lengths(config: CorpusConfig, split: str, data_dir: Path | None = None) -> list[int]:
    """How many sentences each document of a split has, in the order of the split.

    Raises:
        DatasetError, FormatError: The split cannot be read, or does not say where a document begins.
    """
    if config.dataset:
        return datasets.document_lengths(config.dataset, split, data_dir)
    files = {"train": config.train, "dev": config.dev, "test": config.test}
    return load(Path(files[split]), config.reading).lengths


def scored_documents(
    recognizer: Recognizer, corpus: Corpus, split: str, lengths: Iterable[int], *, context: bool = True
) -> Iterator[ScoredSentence]:
    """Each sentence of a split as `scored` gives it.

    Args:
        recognizer: The tagger.
        corpus: Sentences in its labels.
        split: The split to score.
        lengths: How many sentences each document has, as `lengths` gives them.
        context: False reads each sentence alone.
    """
    sentences = iter(corpus.splits[split])
    for length in lengths:
        yield from _scored(recognizer, list(islice(sentences, length)), corpus.annotates, context)


def _scored(
    recognizer: Recognizer, document: Sequence[Annotated], annotates: Sequence[str], context: bool
) -> list[ScoredSentence]:
    text, tokens = joined([word for one in document for word in one.tokens])
    ends = accumulate(len(one.tokens) for one in document)
    sentences = [tokens[end - len(one.tokens) : end] for one, end in zip(document, ends, strict=True)]
    [entities] = recognizer.annotate([text], [sentences], context=context)
    return [
        scored(gold, spans_in(sentence, entities), annotates)
        for gold, sentence in zip(document, sentences, strict=True)
    ]


def spans_in(sentence: Sequence[Token], entities: Iterable[Entity]) -> Iterator[Span]:
    """The entities that begin in a sentence, as spans of its tokens."""
    starts = {token.start: n for n, token in enumerate(sentence)}
    ends = {token.end: n + 1 for n, token in enumerate(sentence)}
    return (
        Span(starts[entity.start], ends[entity.end], entity.label) for entity in entities if entity.start in starts
    )

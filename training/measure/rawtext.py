"""What reading raw text costs: the gold sentences joined as one would write them, read by the recognizer (our
sentence splitter, our tokenizer, the tagger), and its entities compared with the gold names, character by character.
"""

from collections.abc import Iterable

from nerve.model.annotation import Sentence, Span
from nerve.model.recognizer import Recognizer
from nerve.model.tags import tags_from
from nerve.training.data.corpora import Annotated, Corpus
from nerve.training.measure.detokenize import to_document

DOCUMENT_SENTENCES = 20
"""Sentences joined into one document."""


def f1(recognizer: Recognizer, corpus: Corpus, split: str) -> float:
    """Micro F1 in percent over exact character spans with their labels, of those names that the corpus can judge."""
    right = found = wanted = 0
    sentences = corpus.splits[split]
    documents = [sentences[n : n + DOCUMENT_SENTENCES] for n in range(0, len(sentences), DOCUMENT_SENTENCES)]
    texts = [_document(document, gold=True)[0] for document in documents]
    for document, entities in zip(documents, recognizer.recognize(texts), strict=True):
        gold = {span for span in _document(document, gold=True)[1] if span.label in corpus.annotates}
        unknown = _document(document, gold=False)[1]
        predicted = {
            Span(entity.start, entity.end, entity.label)
            for entity in entities
            if entity.label in corpus.annotates
            and not any(entity.start < span.end and span.start < entity.end for span in unknown)
        }
        right += len(gold & predicted)
        found += len(predicted)
        wanted += len(gold)
    return round(200 * right / max(1, found + wanted), 2)


def _document(sentences: Iterable[Annotated], *, gold: bool) -> tuple[str, list[Span]]:
    """The sentences as one text with the character spans of their names, or of what is not known of them."""
    return to_document(
        Sentence(one.tokens, tags_from(one.spans if gold else one.unknown, len(one.tokens))) for one in sentences
    )

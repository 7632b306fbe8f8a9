"""F1 on raw text: gold sentences joined to texts, read by the recognizer, compared character by character.

The recognizer is what serves: sentence splitter, tokenizer and tagger. The score says what they cost together.
"""

from nerve.model.annotation import Span
from nerve.model.recognizer import Recognizer
from nerve.training.data.corpora import Corpus
from nerve.training.data.detokenize import to_document
from nerve.training.measure.scores import overlap

DOCUMENT_SENTENCES = 20
"""Sentences joined into one document."""


def f1(recognizer: Recognizer, corpus: Corpus, split: str) -> float:
    """Micro F1 in percent over exact character spans with their labels, of the names that the corpus can score."""
    correct = predicted = gold = 0
    sentences = corpus.splits[split]
    documents = [sentences[n : n + DOCUMENT_SENTENCES] for n in range(0, len(sentences), DOCUMENT_SENTENCES)]
    texts = [to_document((one.tokens, one.spans) for one in document) for document in documents]
    unknown = [to_document((one.tokens, one.unknown) for one in document)[1] for document in documents]
    # Neighbours in a split need not be of one document, so that one says nothing of the other's words.
    found = recognizer.recognize([text for text, _ in texts], context=False)
    for (_, spans), not_scored, entities in zip(texts, unknown, found, strict=True):
        right = {span for span in spans if span.label in corpus.annotates}
        candidates = {Span(entity.start, entity.end, entity.label) for entity in entities}
        ours = {
            span
            for span in candidates
            if span.label in corpus.annotates and not any(overlap(span, other) for other in not_scored)
        }
        correct += len(right & ours)
        predicted += len(ours)
        gold += len(right)
    return round(200 * correct / max(1, predicted + gold), 2)

"""How uncertain a tagger is of whole texts, so that long and short ones can be compared."""

from collections.abc import Sequence

import torch

from nerve.model.annotation import Tokens
from nerve.model.batch import BATCH_TOKENS, by_length
from nerve.model.crf import CRF
from nerve.model.recognizer import Recognizer
from nerve.training.suggest.entropy import token_entropies

OVERHEAD = 20
"""The work of opening and submitting a text, in tokens. Without it a heading of two words comes before all prose: its
entropy for a token is high, but it teaches little and costs nearly as much as a sentence."""

Sentences = Sequence[Tokens]
"""The sentences of a text."""


def uncertainties(recognizer: Recognizer, crf: CRF, texts: Sequence[Sentences]) -> list[float]:
    """The entropy of each text's tags for the work of annotating it; 0 for a text in which the model reads nothing.

    The entropy alone would rank texts by their length, as Settles and Craven (2008) say. So it is divided by the
    tokens and `OVERHEAD`: nats for the work of one token. Sentences are independent of each other for the CRF, so the
    entropy of a text is the sum over them.

    Args:
        recognizer: The model, which cuts sentences into windows and leaves out those in languages it does not read.
        crf: Its CRF, as `probability.crf_of` gives it.
        texts: The sentences of each text.
    """
    windows = [recognizer.windows_of(sentences, context=False) for sentences in texts]
    flat = [(number, window) for number, of_text in enumerate(windows) for window in of_text]
    entropy, tokens = [0.0] * len(texts), [0] * len(texts)
    for batch in by_length([len(window) for _, window in flat], BATCH_TOKENS):
        with torch.inference_mode():
            emissions, lengths = recognizer.archive.emissions([flat[n][1].words for n in batch])
            shares = token_entropies(emissions, crf.scores(), lengths).cpu()
        for row, n in enumerate(batch):
            number, window = flat[n]
            begin, end = window.core  # the margins of a long sentence's windows belong to other cores
            entropy[number] += float(shares[row, begin:end].sum())
            tokens[number] += end - begin
    return [total / (count + OVERHEAD) for total, count in zip(entropy, tokens, strict=True)]

"""Sentences in another case: in capitals, in lower case, and as a headline.

Corpora are mostly careful prose. People also write `nvidia hires in berlin` and `NVIDIA HIRES IN BERLIN`. A tagger
that never saw such sentences relies on the case that it knows (Mayhew, Tsygankova and Roth 2019).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from nerve.training.data.annotated import Annotated

FULL_STOP = "."


def recased(sentences: Sequence[Annotated], share: float, seed: int) -> list[Annotated]:
    """A random `share` of the sentences, each in one of the other cases. The same seed gives the same ones.

    In capitals and as a headline, a sentence has no full stop at its end.

    Args:
        sentences: The sentences in their own case.
        share: Of the sentences, from 0 to 1.
        seed: Of the choice of sentences and cases.
    """
    generator = random.Random(seed)
    chosen = generator.sample(sentences, round(share * len(sentences)))
    return [_CASES[generator.randrange(len(_CASES))](sentence) for sentence in chosen]


def _in_lower_case(sentence: Annotated) -> Annotated:
    return _written(sentence, str.lower)


def _in_capitals(sentence: Annotated) -> Annotated:
    return _written(_without_full_stop(sentence), str.upper)


def _as_headline(sentence: Annotated) -> Annotated:
    return _written(_without_full_stop(sentence), lambda word: word[:1].upper() + word[1:])


_CASES = (_in_lower_case, _in_capitals, _as_headline)


def _written(sentence: Annotated, case: Callable[[str], str]) -> Annotated:
    return replace(sentence, tokens=tuple(map(case, sentence.tokens)))


def _without_full_stop(sentence: Annotated) -> Annotated:
    last = len(sentence.tokens) - 1
    in_name = any(span.end > last for span in (*sentence.spans, *sentence.unknown))
    if last < 1 or sentence.tokens[last] != FULL_STOP or in_name:
        return sentence
    return replace(sentence, tokens=sentence.tokens[:last])

"""Several recognizers for texts in the languages of any of them: `auto` stands for all bundled ones."""

from collections.abc import Sequence
from operator import attrgetter

from nerve.model.annotation import Entity, Tokens
from nerve.model.languages import division, most_suitable
from nerve.model.recognizer import Recognizer


def annotate(
    recognizers: Sequence[Recognizer],
    texts: Sequence[str],
    sentences: Sequence[Sequence[Tokens]],
    *,
    context: bool = True,
) -> list[list[Entity]]:
    """The entities of each text, of which each sentence is read by the recognizer that `languages.division` says.

    Args:
        recognizers: at least one; where several suit a text, the first of these.
        texts: the texts.
        sentences: for each text its sentences, as tokens with their offsets in it.
        context: as in `Recognizer.windows_of`.
    """
    if len(recognizers) == 1:
        return recognizers[0].annotate(texts, sentences, context=context)
    shares = [_shares(recognizers, *both) for both in zip(texts, sentences, strict=True)]
    entities: list[list[Entity]] = [[] for _ in texts]
    for which, recognizer in enumerate(recognizers):
        numbers = [number for number, of_text in enumerate(shares) if of_text[which]]
        given = [texts[number] for number in numbers], [shares[number][which] for number in numbers]
        for number, found in zip(numbers, recognizer.annotate(*given, context=context), strict=True):
            entities[number] += found
    return [sorted(of_text, key=attrgetter("start")) for of_text in entities]


def _shares(recognizers: Sequence[Recognizer], text: str, sentences: Sequence[Tokens]) -> list[list[Tokens]]:
    """The sentences of a text for each recognizer."""
    languages = [recognizer.languages for recognizer in recognizers]
    first = most_suitable(languages, text)
    order = [first, *(number for number in range(len(languages)) if number != first)]
    shares = dict(zip(order, division([languages[number] for number in order], sentences), strict=True))
    return [shares[number] for number in range(len(languages))]

"""What a model says of itself before it is trained: its language, and what it owes to the model it begins with."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from nerve.model import bundled
from nerve.model.contents import read_contents
from nerve.model.function_words import WORDS
from nerve.model.languages import LATIN, Languages, signs_of
from nerve.model.metadata import Metadata
from nerve.model.tokenizer import joined
from nerve.training.config import Config
from nerve.training.data.corpora import Corpus

UNDETERMINED = "und"
"""BCP 47 for a language that is not known: the model reads every text."""

# So many words tell languages apart that are alike, such as Danish and Norwegian.
_WORDS = 500
# Different function words that they must have: `Ada` is one of Indonesian.
_LEAST_WORDS = 5
# Of 36 public corpora in 17 languages, 34 are found rightly; Croatian and Serbian share their words, and are unclear.
_LEAST_SHARE = 0.9


def described(metadata: Metadata, config: Config, sources: Sequence[Corpus]) -> Metadata:
    """The metadata with the language of the texts, and with licence, data and guidelines of the model begun with.

    Args:
        metadata: What is known from the configuration and the corpora.
        config: The configuration; what it states is not changed.
        sources: The corpora.

    Raises:
        ArchiveError: The model to begin with cannot be read.
    """
    language = config.language or found_language(one.tokens for source in sources for one in source.splits["train"])
    metadata = replace(metadata, language=language or UNDETERMINED)
    if not config.training.init:
        return metadata
    origin = read_contents(bundled.resolve(config.training.init)).metadata
    licences = dict.fromkeys((metadata.licence, origin.licence))
    return replace(
        metadata,
        language=language or origin.language,
        licence=config.licence or "; ".join(licence for licence in licences if licence),
        datasets=[*metadata.datasets, *({"model": origin.name, **one} for one in origin.datasets)],
        settings={**metadata.settings, "begun_with": _origin(origin)},
    )


def language_line(metadata: Metadata, config: Config) -> str:
    """Say which language the model is for, and how to say another."""
    if config.language:
        return f"language: {metadata.language}"
    if metadata.language == UNDETERMINED:
        return "language: unclear from the training texts, so that every text is read; --language says it"
    return f"language: {metadata.language}, found; --language says another, or und to read every text"


def found_language(sentences: Iterable[Sequence[str]]) -> str | None:
    """The language of nearly all of these tokenized sentences, BCP 47; None if they do not tell it."""
    words = list(chain.from_iterable(sentences))
    parts = (words[start : start + _WORDS] for start in range(0, len(words), _WORDS))
    counts = Counter(code for part in parts if (code := _language_of(part)))
    for code, count in counts.most_common(1):
        if count >= _LEAST_SHARE * counts.total():
            return code
    return None


def _language_of(words: Sequence[str]) -> str | None:
    signs = signs_of(words)
    if signs.script != LATIN:
        return Languages(UNDETERMINED).of_text([joined(words)[1]]).code
    count, code = signs.best(WORDS)
    return code if count >= _LEAST_WORDS else None


def _origin(origin: Metadata) -> dict[str, Any]:
    """What the card says of the model begun with; its datasets and licence hold what it owes to its own origin."""
    before = origin.settings.get("begun_with", {})
    own = (corpus.get("guideline", "") for corpus in origin.settings.get("corpora", ()))
    guidelines = dict.fromkeys([*own, *before.get("guidelines", ())])
    return {
        "name": origin.name,
        "licence": origin.licence,
        "language": origin.language,
        "guidelines": [name for name in guidelines if name],
    }

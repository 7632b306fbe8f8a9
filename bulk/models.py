"""The models of a run: one, or with `auto` all bundled ones."""

import gc
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

from nerve import Result, Tagger
from nerve.bulk.errors import BulkError
from nerve.bulk.settings import Settings
from nerve.model.bundled import locate, names_of
from nerve.tagger import BATCH_SIZE

Source = str | list[str]
"""A text, or the tokens of a sentence."""


def digests(model: str) -> dict[str, str]:
    """The SHA-256 of each archive that a setting stands for. Raises ArchiveError."""
    found = {}
    for name in names_of(model):
        with locate(name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def rest_garbage_collector() -> None:
    """Exempt the models, which are loaded, from collections, and let these be few.

    The models are a million objects that stay: to walk them over and over took a microsecond a token. Nearly all
    objects of a text are freed without the collector, and to look for the others a tenth of a microsecond.
    """
    gc.freeze()
    gc.set_threshold(50_000, 5, 5)


class Models:
    """Taggers that have been loaded, and which entities are asked of them.

    Args:
        settings: which models, where they run, and which entities are kept.

    Raises:
        ArchiveError: there is no such model, or it cannot be loaded.
        BulkError: no model has a label of this name.
    """

    def __init__(self, settings: Settings) -> None:
        # Not at the top, because torch takes seconds to import.
        from nerve.model import archive
        from nerve.model.recognizer import Recognizer

        self._archives = [
            archive.load(locate(name), settings.device, weights_only=settings.weights_only)
            for name in names_of(settings.model)
        ]
        self._tagger = Tagger([Recognizer(one) for one in self._archives], settings.threads)
        self.labels = tuple(sorted({*self._tagger.labels, *settings.patterns}))
        scored = settings.min_score if isinstance(settings.min_score, Mapping) else {}
        for option, labels in (("--labels", settings.labels or ()), ("--min-score", scored)):
            if unknown := sorted(set(labels).difference(self.labels)):
                known = ", ".join(self.labels)
                raise BulkError(f"{option}: {settings.model} has no label {unknown[0]!r}; its labels are {known}")
        self._settings = settings
        self.batch_tokens = max(one.batch_tokens for one in self._archives)
        """padded tokens of the batches with which the models are fastest"""
        rest_garbage_collector()

    def forget_words(self) -> None:
        """Make the next scores independent of the texts before, to the last digit."""
        for archive in self._archives:
            archive.forget_words()

    def tag(self, sources: Sequence[Source]) -> list[Result]:
        """The result of each text, or of the tokens of each sentence, in order."""
        settings = self._settings
        pipe = partial(
            self._tagger.pipe,
            batch_size=BATCH_SIZE,
            labels=settings.labels,
            min_score=settings.min_score,
            context=settings.context,
            patterns=settings.patterns,
            phone_regions=settings.phone_regions,
        )
        of_texts = pipe([source for source in sources if isinstance(source, str)])
        of_tokens = pipe(tokens=[source for source in sources if isinstance(source, list)])
        return [next(of_texts if isinstance(source, str) else of_tokens) for source in sources]

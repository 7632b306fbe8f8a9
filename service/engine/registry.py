"""The models that are served, by name. It is filled at start, and only a reload changes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nerve.model.annotation import Entity, Tokens
from nerve.model.bundled import AUTO
from nerve.model.languages import Languages, most_suitable
from nerve.service.errors import NotFoundError

if TYPE_CHECKING:  # nerve.model.recognizer imports torch, which takes seconds: only the process that tags pays them
    from nerve.model.recognizer import Tagging, Window


class Recognizer(Protocol):
    """What the service needs of `nerve.model.recognizer.Recognizer`."""

    @property
    def name(self) -> str:
        """The name of the model."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the entities that it finds."""
        ...

    def windows(self, text: str) -> "Sequence[Window]":
        """Split a text into sentences, and those into windows."""
        ...

    def windows_of(self, sentences: Sequence[Tokens], *, context: bool = True) -> "Sequence[Window]":
        """Split the sentences that the model reads into windows; without `context`, each is read as if alone."""
        ...

    def tag(self, windows: "Sequence[Window]") -> "list[Tagging]":
        """Tag the windows of one batch."""
        ...

    def revisions(self, windows: "Sequence[Window]", taggings: "Sequence[Tagging]") -> "dict[int, Window]":
        """Say which windows of a text are to be tagged again, as what windows; by their numbers."""
        ...

    def entities(self, text: str, windows: "Sequence[Window]", taggings: "Sequence[Tagging]") -> list[Entity]:
        """Find the entities of a text in the taggings of its windows."""
        ...


class Stamp(NamedTuple):
    """What tells a file from the file that replaces it; all zero for a file that does not exist."""

    path: Path = Path()
    device: int = 0
    inode: int = 0
    size: int = 0
    modified: int = 0

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """The stamp of the file at this path."""
        try:
            status = path.stat()
        except OSError:
            return cls(path)
        return cls(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


NO_FILE = Stamp()


@dataclass(frozen=True)
class ServedModel:
    """A recognizer, with its name in requests, the card to show for it, and the archive that it was loaded from."""

    name: str
    recognizer: Recognizer
    card: Mapping[str, Any]
    digest: str = ""
    """SHA-256 of the archive"""
    stamp: Stamp = NO_FILE

    @cached_property
    def languages(self) -> Languages:
        """The languages that it reads."""
        return Languages(self.card["language"])


class Registry:
    """The models by name.

    Args:
        models: at least one; the first is the default.

    Raises:
        ValueError: if there is none, if two have one name, or if one is named `auto`.
    """

    def __init__(self, models: Iterable[ServedModel]) -> None:
        self._models: dict[str, ServedModel] = {}
        for model in models:
            if model.name in self._models:
                raise ValueError(f"two archives are named {model.name!r}")
            if model.name == AUTO:
                raise ValueError(f"an archive is named {AUTO!r}, which stands for any")
            self._models[model.name] = model
        if not self._models:
            raise ValueError("there is no model to serve")

    @property
    def models(self) -> list[ServedModel]:
        """All models in the order given."""
        return list(self._models.values())

    @property
    def default(self) -> ServedModel:
        """The model of requests that name none."""
        return self.models[0]

    def replace(self, model: ServedModel) -> None:
        """Serve this model under its name from the next request on.

        Raises:
            KeyError: if no model has this name yet.
        """
        if model.name not in self._models:
            raise KeyError(model.name)
        self._models[model.name] = model

    def named(self, name: str | None) -> ServedModel:
        """The model of this name, or the default for None.

        Raises:
            NotFoundError: if no model has this name.
        """
        if name is None:
            return self.default
        if name not in self._models:
            raise NotFoundError(f"no such model; the models are {', '.join(self._models)}", reason="unknown_model")
        return self._models[name]

    def for_text(self, text: str) -> list[ServedModel]:
        """All models, the one first that suits the language of a text: see `nerve.model.languages.most_suitable`."""
        models = self.models
        models.insert(0, models.pop(most_suitable([model.languages for model in models], text)))
        return models

"""The models that are served, by name. Filled at start, asked by every route, and changed by a reload alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nerve.model.annotation import Entity, Token
from nerve.service.engine.script import mostly_han
from nerve.service.errors import NotFoundError

if TYPE_CHECKING:  # nerve.model.recognizer imports torch, which takes seconds: only the process that tags pays them
    from nerve.model.recognizer import Tagging, Window

# Instead of a model's name: the model that suits the script of the text.
AUTO = "auto"


class Recognizer(Protocol):
    """What the service asks of `nerve.model.recognizer.Recognizer`."""

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    def windows(self, text: str) -> "Sequence[Window]": ...

    def windows_of(self, sentences: Sequence[Sequence[Token]]) -> "Sequence[Window]": ...

    def tag(self, windows: "Sequence[Window]") -> "list[Tagging]": ...

    def entities(self, text: str, windows: "Sequence[Window]", taggings: "Sequence[Tagging]") -> list[Entity]: ...


class Stamp(NamedTuple):
    """What tells a file from the one that takes its place. All zero for one that is not there."""

    path: Path = Path()
    device: int = 0
    inode: int = 0
    size: int = 0
    modified: int = 0

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        try:
            found = path.stat()
        except OSError:
            return cls(path)
        return cls(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


NO_FILE = Stamp()


@dataclass(frozen=True)
class ServedModel:
    """A recognizer under the name that requests give, with the card to show for it, and the file it is from."""

    name: str
    recognizer: Recognizer
    card: Mapping[str, Any]
    digest: str = ""
    """SHA-256 of the archive"""
    stamp: Stamp = NO_FILE


class Registry:
    """Raises ValueError when two models have one name, when one is named `auto`, or when there is none."""

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
        """In the order given; the first is the default."""
        return list(self._models.values())

    @property
    def default(self) -> ServedModel:
        return self.models[0]

    def replace(self, model: ServedModel) -> None:
        """From the next request on, `model` is who answers to its name. Raises KeyError if nobody does yet."""
        if model.name not in self._models:
            raise KeyError(model.name)
        self._models[model.name] = model

    def named(self, name: str | None) -> ServedModel:
        """The model called `name`, or the default where the request named none. Raises NotFoundError."""
        if name is None:
            return self.default
        if name not in self._models:
            raise NotFoundError(f"no such model; the models are {', '.join(self._models)}", reason="unknown_model")
        return self._models[name]

    def by_script(self, text: str) -> ServedModel:
        """For a text that is mostly Han, the first model of Chinese; for any other, the first of another language.
        Where there is no such model, the default."""
        suitable = [model for model in self.models if _is_chinese(model) == mostly_han(text)]
        return suitable[0] if suitable else self.default


def _is_chinese(model: ServedModel) -> bool:
    language: str = model.card["language"]
    return language.lower().partition("-")[0] == "zh"

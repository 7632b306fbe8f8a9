"""What an archive says of itself, and how that is written as JSON. `archive` reads and writes it."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch

from nerve.model import tokenizer
from nerve.model.config import TaggerConfig
from nerve.model.tags import labels_of

FORMAT = 2
"""Number of the archive's layout: its entries, their JSON, and the names of the weights. Any other is refused."""


@dataclass(frozen=True)
class Example:
    """A sentence with the tags that the exported tagger gives it. A service tags it again when it starts."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Metadata:
    """What an archive says of itself. Everything in it is JSON."""

    name: str
    """what requests call the model"""
    description: str
    language: str
    """BCP 47, such as `en`"""
    licence: str
    """of the weights"""
    tags: tuple[str, ...]
    config: TaggerConfig
    datasets: list[dict[str, Any]]
    """provenance: each dataset with its licence and its size"""
    scores: dict[str, Any]
    """measured F1 by dataset and split"""
    settings: dict[str, Any]
    """of the training that made it, with its seed"""
    code_version: str
    examples: tuple[Example, ...] = ()
    format: int = FORMAT
    tokenizer: int = tokenizer.VERSION
    torch: str = field(default_factory=lambda: str(torch.__version__))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that its tags carry, sorted."""
        return labels_of(self.tags)

    def to_json(self) -> dict[str, Any]:
        """The metadata as JSON has it."""
        return {**asdict(self), "tags": list(self.tags)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Metadata":
        """The inverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or is not what `to_json` writes.
        """
        entries = {field.name: value[field.name] for field in fields(cls)}
        entries["config"] = TaggerConfig(**value["config"])
        entries["tags"] = tuple(value["tags"])
        entries["examples"] = tuple(
            Example(tuple(example["tokens"]), tuple(example["tags"])) for example in value["examples"]
        )
        return cls(**entries)

"""What an archive says of itself, and how that is written as JSON. `archive` reads and writes it."""

import json
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from nerve.model import tokenizer
from nerve.model.config import TaggerConfig
from nerve.model.tags import OUTSIDE, labels_of

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

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """what requests call the model"""
    description: str
    language: Annotated[str, Field(min_length=1)]
    """BCP 47, such as `en`; several with commas between them, such as `da,nb,sr-Latn`"""
    licence: str
    """of the weights"""
    tags: tuple[str, ...]
    config: TaggerConfig
    datasets: list[dict[str, Any]]
    """provenance: each dataset with its licence and its size"""
    scores: dict[str, dict[str, Any]]
    """measured F1 by dataset and split"""
    settings: dict[str, Any]
    """of the training that made it, with its seed"""
    code_version: str
    examples: tuple[Example, ...] = ()
    format: int = FORMAT
    tokenizer: int = tokenizer.VERSION
    torch: str = field(default_factory=lambda: version("torch"))

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
            KeyError: something is missing.
            ValidationError: something has another type.
            ValueError: something is not what `to_json` writes.
        """
        entries = {field.name: value[field.name] for field in fields(cls)}
        # JSON knows lists only. It has no NaN, and half a surrogate pair cannot be sent to a client.
        text = json.dumps(entries, allow_nan=False, ensure_ascii=False).encode()
        metadata = _ADAPTER.validate_json(text, strict=True)
        metadata.check()
        return metadata

    def check(self) -> None:
        """Check what the types do not say.

        Raises:
            ValueError: the name cannot be printed, a tag is none, is there twice or O is missing, an example does not
                have one of the tags for each token, or a score is not a number.
        """
        if not self.name.isprintable():
            raise ValueError("name holds a character that cannot be printed")
        labels_of(self.tags)  # raises where one is no tag
        if len(set(self.tags)) != len(self.tags) or OUTSIDE not in self.tags:
            raise ValueError(f"tags are not different tags with {OUTSIDE} among them")
        for number, example in enumerate(self.examples):
            if not example.tokens or not all(example.tokens):
                raise ValueError(f"examples.{number} has no tokens, or an empty one")
            if len(example.tags) != len(example.tokens) or not set(example.tags) <= set(self.tags):
                raise ValueError(f"examples.{number} does not have one of the tags for each token")
        for name, score in self.scores.items():
            if not isinstance(score.get("f1", 0.0), int | float) or isinstance(score.get("f1"), bool):
                raise ValueError(f"scores.{name}.f1 is not a number")


_ADAPTER = TypeAdapter(Metadata)

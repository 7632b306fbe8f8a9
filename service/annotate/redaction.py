"""Redaction: a new text in which operators have replaced the entities of a text.

It knows texts and entities, and no contract: each route makes operators of its own fields, and answers in its own
terms.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from pydantic_core import to_json

from nerve.service.errors import TooLargeError

MOST_GROWTH = 4
"""How many times as long as the texts of a request those of its answer may be, in bytes of JSON."""
LEAST_LIMIT = 2**20
"""In bytes of JSON. The texts of an answer may always have as many, because a replacement may be long."""
SHORTEST_SALT = 16
"""In bytes. A shorter salt can be guessed, together with the name that it protects."""


class Operator(Protocol):
    """Makes the replacement of an entity."""

    name: ClassVar[str]

    def __call__(self, text: str, label: str, /) -> str:
        """Return the replacement of an entity with this text and label."""
        ...


@dataclass(frozen=True, slots=True)
class Replace:
    """Replaces every entity by the same value; without a value by its label in angle brackets, such as `<PER>`."""

    name: ClassVar[str] = "replace"
    value: str | None = None

    def __call__(self, _text: str, label: str, /) -> str:
        """Return the value, or the label."""
        return f"<{label}>" if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Redact:
    """Removes the entity."""

    name: ClassVar[str] = "redact"

    def __call__(self, _text: str, _label: str, /) -> str:
        """Return the empty string."""
        return ""


@dataclass(frozen=True, slots=True)
class Mask:
    """Masks `count` code points of the entity, or all, with a character.

    Raises:
        ValueError: the mask is not one character.
    """

    name: ClassVar[str] = "mask"
    character: str = "*"
    count: int | None = None
    from_end: bool = False

    def __post_init__(self) -> None:
        if len(self.character) != 1:
            raise ValueError(f"the mask has {len(self.character):,} characters; it must have 1")

    def __call__(self, text: str, _label: str, /) -> str:
        """Return the text, masked."""
        hidden = len(text) if self.count is None else max(0, min(self.count, len(text)))
        mask = self.character * hidden
        return text[: len(text) - hidden] + mask if self.from_end else mask + text[hidden:]


@dataclass(frozen=True, slots=True)
class Hash:
    """Replaces the entity by the hexadecimal digest of its UTF-8 bytes followed by the salt.

    With a salt, a name has the same digest everywhere. Without one, every entity gets a random salt of its own.

    Raises:
        ValueError: the salt is too short.
    """

    name: ClassVar[str] = "hash"
    algorithm: Literal["sha256", "sha512"] = "sha256"
    salt: bytes | None = None

    def __post_init__(self) -> None:
        if self.salt is not None and len(self.salt) < SHORTEST_SALT:
            raise ValueError(f"the salt has {len(self.salt):,} bytes; it must have at least {SHORTEST_SALT}")

    def __call__(self, text: str, _label: str, /) -> str:
        """Return the digest."""
        salt = os.urandom(2 * SHORTEST_SALT) if self.salt is None else self.salt
        return hashlib.new(self.algorithm, text.encode() + salt).hexdigest()


@dataclass(frozen=True, slots=True)
class Keep:
    """Leaves the entity as it is."""

    name: ClassVar[str] = "keep"

    def __call__(self, text: str, _label: str, /) -> str:
        """Return the text itself."""
        return text


class Pseudonym:
    """Replaces the entity by its label and a number, such as `PER_1`, which is the same for the same name only.

    Numbers count in the order of the text. An instance remembers names, so each document needs its own.
    """

    name: ClassVar[str] = "pseudonym"

    def __init__(self) -> None:
        """Begin with no names."""
        self._numbers: dict[str, dict[str, int]] = {}

    def __call__(self, text: str, label: str, /) -> str:
        """Return the label and the number."""
        numbers = self._numbers.setdefault(label, {})
        # The same name may have other line breaks elsewhere.
        number = numbers.setdefault(" ".join(text.split()), len(numbers) + 1)
        return f"{label}_{number}"


OPERATORS: tuple[type[Operator], ...] = (Replace, Redact, Mask, Hash, Keep)


class Named(Protocol):
    """A name in a text, such as a `nerve.model.annotation.Entity`: half-open code-point offsets and a label."""

    @property
    def start(self) -> int:
        """The offset of the first character."""
        ...

    @property
    def end(self) -> int:
        """The offset after the last character."""
        ...

    @property
    def label(self) -> str:
        """The type of the entity."""
        ...


Name = TypeVar("Name", bound=Named)


class Replacement(NamedTuple, Generic[Name]):
    """A replacement: its place in the new text, its text, the name of its operator, and the entity."""

    start: int
    end: int
    text: str
    operator: str
    entity: Name


class Redaction(NamedTuple, Generic[Name]):
    """The new text, and the replacements in its order."""

    text: str
    replacements: list[Replacement[Name]]


class Growth:
    """Limits how much longer than the texts of a request those of its answer are, in bytes of JSON.

    JSON has six bytes for a control character, and a replacement is in the answer twice: in the new text, and beside
    it. One long replacement that is used many times, or entities that overlap, could otherwise turn some kilobytes
    into gigabytes.

    Attributes:
        limit: The most bytes that the new texts and their replacements may have together.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Take all texts of a request."""
        self._bytes = sum(map(_json_bytes, texts))
        self._covered = 0
        self.limit = max(MOST_GROWTH * self._bytes, LEAST_LIMIT)

    def cover(self, entity_characters: int) -> None:
        """Count an entity before it is replaced; raise TooLargeError if all are longer than the limit."""
        self._covered += entity_characters
        if self._covered > self.limit:
            raise TooLargeError(f"the entities have more than {self.limit:,} characters, which is the limit")

    def add(self, replacement: str) -> None:
        """Count a replacement; raise TooLargeError if the answer becomes longer than the limit.

        What it replaces stays counted.
        """
        self._bytes += 2 * _json_bytes(replacement)
        if self._bytes > self.limit:
            raise TooLargeError(
                f"the redacted texts and their replacements have more than {self.limit:,} bytes of JSON, which is "
                f"the limit: {MOST_GROWTH} times those of the texts, and at least {LEAST_LIMIT:,}",
                reason="too_many_bytes",
            )


def _json_bytes(text: str) -> int:
    return len(to_json(text)) - len('""')


def redacted(
    text: str, entities: Iterable[Name], operators: Mapping[str, Operator], default: Operator, growth: Growth
) -> Redaction[Name]:
    """Return a text with its entities replaced.

    Args:
        text: The text.
        entities: The entities in it, in any order. They may overlap: each is replaced as a whole, and no character of
            any stays where it was.
        operators: The operators by label.
        default: The operator for all other labels.
        growth: The limit of all new texts of a request.

    Raises:
        TooLargeError: The new text or all entities together are too long.
    """
    pieces: list[str] = []
    replacements: list[Replacement[Name]] = []
    read = written = 0  # characters of the text, of the new text
    for entity in sorted(entities, key=lambda entity: (entity.start, entity.end)):
        growth.cover(entity.end - entity.start)
        pieces.append(text[read : entity.start])
        operator = operators.get(entity.label, default)
        replacement = operator(text[entity.start : entity.end], entity.label)
        growth.add(replacement)
        pieces.append(replacement)
        start = written + max(0, entity.start - read)
        written = start + len(replacement)
        replacements.append(Replacement(start, written, replacement, operator.name, entity))
        read = max(read, entity.end)
    pieces.append(text[read:])
    return Redaction("".join(pieces), replacements)

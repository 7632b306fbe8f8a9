"""Text without its names: what stands in an entity's place, by operator, and where it stands in the new text.

Called by the routes that answer texts with their names replaced. Knows texts and entities, and no contract: each
route reads its own fields into operators and writes the result in its own words.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from nerve.service.errors import TooLargeError

SHORTEST_SALT = 16
"""Bytes. What is shorter can be guessed together with the name that it is to protect."""


class Operator(Protocol):
    """What stands in the place of an entity of this text and label."""

    name: ClassVar[str]

    def __call__(self, text: str, label: str, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Replace:
    """The same words for every entity; without any, its label in angle brackets: `<PER>`."""

    name: ClassVar[str] = "replace"
    value: str | None = None

    def __call__(self, _text: str, label: str, /) -> str:
        return f"<{label}>" if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Redact:
    """Nothing."""

    name: ClassVar[str] = "redact"

    def __call__(self, _text: str, _label: str, /) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Mask:
    """The entity with `count` of its code points, or all, hidden behind a character.

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
        hidden = len(text) if self.count is None else max(0, min(self.count, len(text)))
        mask = self.character * hidden
        return text[: len(text) - hidden] + mask if self.from_end else mask + text[hidden:]


@dataclass(frozen=True, slots=True)
class Hash:
    """The hexadecimal digest of the entity in UTF-8 followed by the salt.

    One salt gives one name the same digest everywhere. Without a salt every entity gets its own, drawn at random.

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
        salt = os.urandom(2 * SHORTEST_SALT) if self.salt is None else self.salt
        return hashlib.new(self.algorithm, text.encode() + salt).hexdigest()


@dataclass(frozen=True, slots=True)
class Keep:
    """The entity as it was."""

    name: ClassVar[str] = "keep"

    def __call__(self, text: str, _label: str, /) -> str:
        return text


class Pseudonym:
    """The label and a number, counted in the order of the text: `PER_1` is the same name wherever it stands, and no
    other one. It remembers the names of one document, so each document has one of its own."""

    name: ClassVar[str] = "pseudonym"

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {}

    def __call__(self, text: str, label: str, /) -> str:
        numbers = self._numbers.setdefault(label, {})
        # A name may be wrapped differently each time.
        number = numbers.setdefault(" ".join(text.split()), len(numbers) + 1)
        return f"{label}_{number}"


OPERATORS: tuple[type[Operator], ...] = (Replace, Redact, Mask, Hash, Keep)


class Named(Protocol):
    """A name in a text, such as a `nerve.model.annotation.Entity`: half-open code-point offsets and a label."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def label(self) -> str: ...


Name = TypeVar("Name", bound=Named)


class Replacement(NamedTuple, Generic[Name]):
    """`text` stands from `start` to `end` of the new text, put there by the operator of this name for `entity`."""

    start: int
    end: int
    text: str
    operator: str
    entity: Name


class Redaction(NamedTuple, Generic[Name]):
    """A text after its entities were operated on, and what now stands where, in the order of the text."""

    text: str
    replacements: list[Replacement[Name]]


def redacted(
    text: str, entities: Iterable[Name], operators: Mapping[str, Operator], default: Operator, max_characters: int
) -> Redaction[Name]:
    """`text` with what the operator of its label makes of each entity, or `default`, in the entity's place.

    The entities lie inside the text, in any order. They may overlap: each is then operated on whole, and no character
    of any is left where it was.

    Raises:
        TooLargeError: the new text, or all entities together, have more than `max_characters`.
    """
    pieces: list[str] = []
    replacements: list[Replacement[Name]] = []
    read = written = covered = 0  # characters of the text, of the new text, of the entities
    for entity in sorted(entities, key=lambda entity: (entity.start, entity.end)):
        # Both sums are watched as they grow: overlapping entities, or one long replacement that is used many times,
        # could turn a few megabytes into terabytes.
        covered += entity.end - entity.start
        _check_length("the entities have", covered, max_characters)
        pieces.append(text[read : entity.start])
        operator = operators.get(entity.label, default)
        replacement = operator(text[entity.start : entity.end], entity.label)
        pieces.append(replacement)
        start = written + max(0, entity.start - read)
        written = start + len(replacement)
        _check_length("the redacted text has", written, max_characters)
        replacements.append(Replacement(start, written, replacement, operator.name, entity))
        read = max(read, entity.end)
    pieces.append(text[read:])
    _check_length("the redacted text has", written + len(text) - read, max_characters)
    return Redaction("".join(pieces), replacements)


def _check_length(what: str, characters: int, max_characters: int) -> None:
    if characters > max_characters:
        raise TooLargeError(f"{what} more than {max_characters:,} characters")

"""`Result`: the entities that a tagger found in one text. It is a sequence of them that knows its text."""

from array import array
from collections.abc import Iterator, Sequence
from operator import add
from typing import Any, overload

from nerve.html import highlighted
from nerve.model.annotation import Entity, Token, Tokens
from nerve.model.tags import spans_over, tags_from, without_overlap

_REPR_CHARACTERS = 60
_REPR_ENTITIES = 10


class Result(Sequence[Entity]):
    """The entities of `text`, in its order and without overlap.

    `len`, `in`, indices, slices and loops are those of a list of `Entity`. Two results are equal if their texts and
    their entities are.
    """

    __slots__ = ("_entities", "_labels", "_lengths", "_sizes", "_starts", "text")

    def __init__(
        self,
        text: str,
        entities: Sequence[Entity],
        sentences: Sequence[Sequence[Token]] = (),
        labels: Sequence[str] = (),
    ) -> None:
        """Keep the entities of a text, and where its tokens are.

        Args:
            text: the text that the offsets count in, in code points.
            entities: in the order of the text, without overlap.
            sentences: the tokens of the text, as the tagger read them.
            labels: all labels of the tagger; their order decides the colours of the less common ones.
        """
        self.text = text
        self._entities = tuple(entities)
        self._labels = labels
        # 8 bytes for a token; the tokens themselves take 100, and a program may keep millions of results.
        self._starts, self._sizes = array("I"), array("I")
        for tokens in map(Tokens.of, sentences):
            self._starts.fromlist(tokens.starts)
            self._sizes.fromlist(list(map(len, tokens.words)))
        self._lengths = array("I", list(map(len, sentences)))

    # -- the sequence ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._entities)

    @overload
    def __getitem__(self, index: int) -> Entity: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entity]: ...
    def __getitem__(self, index: int | slice) -> Entity | list[Entity]:
        return list(self._entities[index]) if isinstance(index, slice) else self._entities[index]

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._entities)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return (self.text, self._entities) == (other.text, other._entities)

    __hash__ = None  # type: ignore[assignment]  # as a list

    # -- the tokens --------------------------------------------------------------------------------------------------

    @property
    def token_count(self) -> int:
        """How many tokens the tagger read."""
        return len(self._starts)

    @property
    def tokens(self) -> list[Token]:
        """The tokens that the tagger read, in order."""
        edges = zip(self._starts, map(add, self._starts, self._sizes), strict=True)
        return [Token(self.text[start:end], start, end) for start, end in edges]

    @property
    def sentences(self) -> list[list[Token]]:
        """The same tokens, a list for each sentence."""
        tokens = iter(self.tokens)
        return [[next(tokens) for _ in range(length)] for length in self._lengths]

    @property
    def tags(self) -> list[str]:
        """A BIO tag for each of `tokens`, such as `B-PER`, `I-PER` and `O`."""
        tokens = self.tokens
        return list(tags_from(without_overlap(spans_over(self, tokens)), len(tokens)))

    # -- the forms ---------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The text as `text` and the entities as `ents`, as in an answer of the service, ready for `json.dumps`."""
        return {"text": self.text, "ents": [entity.to_json() for entity in self]}

    def __repr__(self) -> str:
        entities = [f"{entity.label} {_shortened(entity.text)}" for entity in self[:_REPR_ENTITIES]]
        if len(self) > _REPR_ENTITIES:
            entities.append(f"and {len(self) - _REPR_ENTITIES:,} more")
        return f"<Result of {_shortened(self.text)}: {', '.join(entities) or 'no entities'}>"

    def __str__(self) -> str:
        """Mark the entities in the text with brackets: `[Tim Cook PER] flew to [Paris LOC].`."""
        parts: list[str] = []
        reached = 0
        for entity in self:
            parts += self.text[reached : entity.start], f"[{entity.text} {entity.label}]"
            reached = entity.end
        return "".join([*parts, self.text[reached:]])

    def _repr_html_(self) -> str:
        """What a notebook shows: the text, with its entities highlighted as on the service's page."""
        return highlighted(self.text, self._entities, self._labels)


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _REPR_CHARACTERS else f"{text[:_REPR_CHARACTERS]}…")

"""The tagger's configuration: every number that shapes the network, checked once, stored in every archive."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Cell = Literal["rnn", "gru", "lstm"]

T = TypeVar("T")


def setting(default: T, about: str, *, least: float | None = None, most: float | None = None) -> T:
    """A dataclass field with its meaning and its limits (both or none), for `check` and for the command line."""
    value: T = field(default=default, metadata={"about": about, "least": least, "most": most})
    return value


def check(config: Any) -> None:
    """Refuse a configuration whose fields are of another type than declared or out of their limits.

    Raises:
        ValueError: the message names the field, its value and what it can be.
    """
    types = get_type_hints(type(config))
    for one in fields(config):
        value, kind = getattr(config, one.name), types[one.name]
        if get_origin(kind) is Literal:
            if value not in get_args(kind):
                raise ValueError(f"{one.name} is {value!r}; it can be {', '.join(get_args(kind))}")
        elif kind in (int, float, bool, str):
            allowed = (int, float) if kind is float else (kind,)
            if type(value) not in allowed:
                raise ValueError(f"{one.name} is {value!r}; it has to be of type {kind.__name__}")
        least, most = one.metadata.get("least"), one.metadata.get("most")
        if least is not None and not least <= value <= most:  # so asked, it refuses nan too
            raise ValueError(f"{one.name} is {value}; it can be {least} to {most}")


@dataclass(frozen=True, slots=True)
class TaggerConfig:
    """What a tagger is built from. Raises ValueError, naming the field and its limits, when one is out of range."""

    cell: Cell = setting("lstm", "recurrent cell of the encoder")
    hidden_size: int = setting(200, "units of each direction of each layer", least=1, most=4096)
    layers: int = setting(1, "recurrent layers, one on top of the other", least=1, most=16)
    bidirectional: bool = setting(True, "whether each layer also reads the sentence from its end")
    word_size: int = setting(100, "width of a whole word's embedding", least=1, most=4096)
    affix_size: int = setting(10, "width of the embedding of a prefix, suffix or word shape", least=1, most=1024)
    pair_size: int = setting(
        0, "width of the embedding of two neighbouring words; 0: pairs are not looked at", least=0, most=4096
    )
    character_size: int = setting(30, "width of a character's embedding", least=1, most=1024)
    character_filters: int = setting(60, "convolution filters over a word's characters", least=1, most=4096)
    dropout: float = setting(
        0.5, "share of units dropped into and out of each layer, the same at every token", least=0.0, most=0.95
    )
    word_dropout: float = setting(
        0.1, "share of words shown as unknown, so that their spelling is learned", least=0.0, most=0.95
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def encoded_size(self) -> int:
        """Width of what the encoder gives for each token: H, or 2H with both directions."""
        return self.hidden_size * (2 if self.bidirectional else 1)

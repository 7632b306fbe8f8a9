"""A training's configuration: a TOML file, overridden by the command line, checked whole before anything is read.

name = "en"                      # what requests will call the model
labels = ["PER", "ORG", "LOC"]   # without it: every label of the corpora

[training]                       # a key for each field of TrainingConfig
epochs = 20

[tagger]                         # a key for each field of TaggerConfig
cell = "lstm"

[[corpora]]                      # one or several; a dataset by name, or files of one's own
dataset = "wnut17"
map = { person = "PER", location = "LOC", group = "ORG", corporation = "ORG", product = "?" }
annotates = ["PER", "ORG", "LOC"]
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from model.config import TaggerConfig, check, setting

OUTSIDE, UNKNOWN = "O", "?"
"""Two targets a label can be mapped to besides a label: not a name of ours, and not known what it is."""


class ConfigError(ValueError):
    """A configuration cannot be used; one line that names the key and the fact."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a tagger is trained. Raises ValueError, naming the field and its limits, when one is out of range."""

    seed: int = setting(1, "of the weights, the order of the sentences and the dropout", least=0, most=2**31)
    epochs: int = setting(20, "passes over the training sentences, at most", least=1, most=10_000)
    patience: int = setting(8, "epochs without a better dev F1 after which training stops", least=1, most=10_000)
    batch_size: int = setting(32, "sentences in a step", least=1, most=4096)
    learning_rate: float = setting(0.002, "of Adam, at its highest", least=0.0, most=1.0)
    warmup: float = setting(0.03, "share of all steps over which the learning rate rises", least=0.0, most=1.0)
    weight_decay: float = setting(0.0, "decoupled, as in AdamW", least=0.0, most=1.0)
    clip: float = setting(5.0, "largest norm of a step's gradient; a larger one is scaled down", least=0.0, most=1e9)
    average: float = setting(
        0.998, "decay of the running average of the weights that is exported; 0 for none", least=0.0, most=0.99999
    )
    min_count: int = setting(1, "occurrences that make a word, affix or character known", least=1, most=1_000_000)
    vectors: str = setting("", "a file of word vectors, a word and its numbers a line, which stay as they are")
    vectors_limit: int = setting(
        100_000, "lines of it that are taken; further ones only for words of the corpora", least=1, most=10_000_000
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """A dataset by name, or files of one's own, and how its labels become ours."""

    dataset: str = ""
    train: str = ""
    dev: str = ""
    test: str = ""
    map: Mapping[str, str] = field(default_factory=dict)
    """its label -> ours, or `O` for what is no name of ours, or `?` for what is not known; absent: the same name"""
    annotates: tuple[str, ...] = ()
    """our labels that it annotates throughout; where it says `O`, any other may still stand. Absent: those that
    its own labels are mapped to."""

    def __post_init__(self) -> None:
        if bool(self.dataset) == bool(self.train):
            raise ValueError("a corpus is either a dataset by name or a train file with a dev file")
        if self.train and not self.dev:
            raise ValueError(f"{self.train} needs a dev file beside it")

    @property
    def name(self) -> str:
        return self.dataset or Path(self.train).stem


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what a training makes."""

    corpora: tuple[CorpusConfig, ...]
    training: TrainingConfig = field(default_factory=TrainingConfig)
    tagger: TaggerConfig = field(default_factory=TaggerConfig)
    name: str = ""
    description: str = ""
    language: str = "und"
    licence: str = ""
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ValueError("no corpus: name a dataset, or a train and a dev file")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read(path: Path | None, overrides: Mapping[str, Mapping[str, Any]], corpora: list[dict[str, Any]]) -> Config:
    """The configuration of a TOML file, with `overrides` (by section; "" is the top) and, where given, other corpora.

    Raises:
        ConfigError: the file cannot be read, or a key is unknown, of the wrong type or out of its limits.
    """
    table: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
    where = str(path or "command line")
    for section, values in overrides.items():
        target = table.setdefault(section, {}) if section else table
        target.update(values)
    if corpora:
        table["corpora"] = corpora
    try:
        return Config(
            **{
                **_known(Config, table, where),
                "corpora": tuple(_corpus(corpus, f"{where}: corpora") for corpus in table.get("corpora", ())),
                "training": TrainingConfig(**_known(TrainingConfig, table.get("training", {}), f"{where}: training")),
                "tagger": TaggerConfig(**_known(TaggerConfig, table.get("tagger", {}), f"{where}: tagger")),
                "labels": tuple(table.get("labels", ())),
            }
        )
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"{where}: {error}") from error


def _corpus(table: Mapping[str, Any], where: str) -> CorpusConfig:
    known = _known(CorpusConfig, table, where)
    return CorpusConfig(**{**known, "annotates": tuple(known.get("annotates", ()))})


def _known(kind: type, table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`table`, if each of its keys is a field of the dataclass `kind`."""
    names = [one.name for one in fields(kind)]
    for key in table:
        if key not in names:
            raise ConfigError(f"{where}: unknown key {key!r}; there are {', '.join(names)}")
    return dict(table)

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

from nerve.model.config import TaggerConfig, check, setting

OUTSIDE, UNKNOWN = "O", "?"
"""Two targets a label can be mapped to besides a label: not a name of ours, and not known what it is."""


class ConfigError(ValueError):
    """A configuration cannot be used; one line that names the key and the fact."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a tagger is trained. Raises ValueError, naming the field and its limits, when one is out of range."""

    seed: int = setting(1, "of the weights, the order of the sentences and the dropout", least=0, most=2**31)
    epochs: int = setting(
        12, "passes over the training sentences, each followed by a score on dev, at most", least=1, most=10_000
    )
    epoch_steps: int = setting(
        500,
        "steps of an epoch, at the least: a small corpus is passed over several times in one",
        least=1,
        most=10**6,
    )
    patience: int = setting(6, "epochs without a better dev F1 after which training stops", least=1, most=10_000)
    batch_size: int = setting(16, "sentences in a step", least=1, most=4096)
    learning_rate: float = setting(0.0015, "of Adam, at its highest", least=0.0, most=1.0)
    warmup: float = setting(0.03, "share of all steps over which the learning rate rises", least=0.0, most=1.0)
    weight_decay: float = setting(0.0, "decoupled, as in AdamW", least=0.0, most=1.0)
    clip: float = setting(5.0, "largest norm of a step's gradient; a larger one is scaled down", least=0.0, most=1e9)
    average: float = setting(
        0.999, "decay of the running average of the weights that is exported; 0 for none", least=0.0, most=0.99999
    )
    dev_too: bool = setting(
        False, "learn from dev splits, too, as some published tables do; the last epoch is exported, uncalibrated"
    )
    min_count: int = setting(1, "occurrences that make a word, affix or character known", least=1, most=1_000_000)
    own_tokens: bool = setting(
        False, "learn a sentence in a second form, too, where the tokenizer that reads text would cut its words"
    )
    init: str = setting("", "an archive to begin with, whatever its labels; it decides what the network is like")
    vectors: str = setting("", "a file of word vectors to begin with, a word and its numbers a line")
    vectors_limit: int = setting(
        100_000, "lines of it that are taken; further ones only for words of the corpora", least=1, most=10_000_000
    )
    pair_vectors: str = setting("", "such a file for pairs of neighbouring words, written without a space between")

    def __post_init__(self) -> None:
        check(self)
        if self.init and (self.vectors or self.pair_vectors):
            raise ValueError("init and vectors exclude each other: an archive has vectors of its own")


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
    no_names: tuple[str, ...] = ()
    """words that are no name by themselves, whatever the corpus says"""
    unknown_after: tuple[str, ...] = ()
    """words after which it is not known whether a name follows, whatever the corpus says"""

    def __post_init__(self) -> None:
        check(self)
        if bool(self.dataset) == bool(self.train or self.dev or self.test):
            raise ValueError("a corpus is either a dataset by name or a train file with a dev file")
        if not self.dataset and not (self.train and self.dev):
            raise ValueError(f"{self.train or self.dev or self.test} needs a train file and a dev file beside it")

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
        check(self)
        if not self.corpora:
            raise ValueError("no corpus: name a dataset, or a train and a dev file")
        names = [corpus.name for corpus in self.corpora]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"corpora: {name} is there twice; scores go by this name")
        for label in self.labels:
            if self.labels.count(label) > 1 or label in (OUTSIDE, UNKNOWN):
                raise ValueError(f"labels: {label} is there twice, or no label")
        known = {*self.labels, OUTSIDE, UNKNOWN}
        for corpus in self.corpora if self.labels else ():
            for key, labels in (("map", corpus.map.values()), ("annotates", corpus.annotates)):
                for label in labels:
                    if label not in known:
                        raise ValueError(
                            f"corpora: {corpus.name}: {key}: {label} is none of {', '.join(self.labels)}"
                        )

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
    top = {**_known(Config, table, where), **overrides.get("", {})}
    if corpora:
        top["corpora"] = corpora
    if not isinstance(top.setdefault("corpora", []), list):
        raise ConfigError(f"{where}: corpora has to be a list of tables")
    sections = {
        name: {**_known(kind, top.get(name, {}), f"{where}: {name}"), **overrides.get(name, {})}
        for name, kind in (("training", TrainingConfig), ("tagger", TaggerConfig))
    }
    try:
        return Config(
            **{
                **top,
                "corpora": tuple(_corpus(corpus, f"{where}: corpora") for corpus in top["corpora"]),
                "training": TrainingConfig(**sections["training"]),
                "tagger": TaggerConfig(**sections["tagger"]),
                "labels": _strings(top.get("labels", ()), f"{where}: labels"),
            }
        )
    except ValueError as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"{where}: {error}") from error


def _corpus(table: Any, where: str) -> CorpusConfig:
    known = _known(CorpusConfig, table, where)
    renamed = known.get("map", {})
    if not isinstance(renamed, Mapping) or not all(isinstance(label, str) for label in renamed.values()):
        raise ConfigError(f"{where}: map has to be a table of strings")
    lists = {
        name: _strings(known.get(name, ()), f"{where}: {name}") for name in ("annotates", "no_names", "unknown_after")
    }
    return CorpusConfig(**{**known, **lists})


def _strings(value: Any, where: str) -> tuple[str, ...]:
    # A string is a list of strings too, of its characters; whoever writes labels = "PER" means another.
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
        raise ConfigError(f"{where} has to be a list of strings")
    return tuple(value)


def _known(kind: type, table: Any, where: str) -> dict[str, Any]:
    """`table`, if it is one and each of its keys is a field of the dataclass `kind`."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} has to be a table")
    names = [one.name for one in fields(kind)]
    for key in table:
        if key not in names:
            raise ConfigError(f"{where}: unknown key {key!r}; there are {', '.join(names)}")
    return dict(table)

"""A training's configuration: a TOML file, overridden by the command line, validated before any corpus is read.

name = "en"                      # what requests will call the model
labels = ["PER", "ORG", "LOC"]   # default: every label of the corpora

[training]                       # a key for each field of TrainingConfig
epochs = 20

[tagger]                         # a key for each field of TaggerConfig
cell = "lstm"

[[corpora]]                      # one or more: a dataset by name, or your own files
dataset = "wnut17"
map = { person = "PER", location = "LOC", group = "ORG", corporation = "ORG", product = "?" }
annotates = ["PER", "ORG", "LOC"]
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from nerve.model.config import TaggerConfig, explain
from nerve.training.corpus_config import FORBID, OUTSIDE, UNKNOWN, CorpusConfig, Name

__all__ = [
    "OUTSIDE",
    "UNKNOWN",
    "Config",
    "ConfigError",
    "CorpusConfig",
    "TrainingConfig",
    "fold",
    "from_json",
    "read",
    "settings_of",
    "stored_corpora",
]

_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smh])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class ConfigError(ValueError):
    """A configuration cannot be used; the message is one line that names the key and the fact."""


@dataclass(frozen=True, slots=True, config=FORBID)
class TrainingConfig:
    """How a tagger is trained.

    Raises:
        ValidationError: A value has another type than declared or is out of its limits, or two contradict each other.
    """

    seed: StrictInt = Field(
        default=1, description="seed of the weights, the order of the sentences and dropout", ge=0, le=2**31
    )
    epochs: StrictInt = Field(
        default=12,
        description="most passes over the training sentences, each followed by a score on dev",
        ge=1,
        le=10_000,
    )
    epoch_steps: StrictInt = Field(
        default=500,
        description="fewest steps in an epoch; a small corpus is passed over several times in one epoch",
        ge=1,
        le=10**6,
    )
    time: str = Field(
        default="",
        description="longest time that the epochs may take, such as 90s, 10m or 1.5h; they become shorter, or fewer",
    )
    patience: StrictInt = Field(
        default=6, description="training stops after this many epochs without a better dev F1", ge=1, le=10_000
    )
    batch_size: StrictInt = Field(default=16, description="sentences in a step, of all processes", ge=1, le=4096)
    learning_rate: StrictFloat = Field(default=0.0015, description="highest learning rate of Adam", ge=0.0, le=1.0)
    warmup: StrictFloat = Field(
        default=0.03, description="share of all steps over which the learning rate rises", ge=0.0, le=1.0
    )
    weight_decay: StrictFloat = Field(default=0.0, description="decoupled weight decay, as in AdamW", ge=0.0, le=1.0)
    clip: StrictFloat = Field(
        default=5.0, description="largest norm of a step's gradient; larger ones are scaled down", ge=0.0, le=1e9
    )
    average: StrictFloat = Field(
        default=0.999,
        description="decay of the running average of the weights, which is what is exported; 0 turns it off",
        ge=0.0,
        le=0.99999,
    )
    mixed_precision: StrictBool = Field(
        default=False,
        description="compute the encoder in bfloat16, for speed on a GPU; weights and CRF keep their precision",
    )
    dev_too: StrictBool = Field(
        default=False,
        description="also learn from dev splits, as some published results do; exports the last epoch, uncalibrated",
    )
    min_count: StrictInt = Field(
        default=1,
        description="fewest occurrences of a word, affix or character in the vocabulary",
        ge=1,
        le=1_000_000,
    )
    own_tokens: StrictBool = Field(
        default=False,
        description="also learn each sentence as nerve's own tokenizer would cut it, where that differs",
    )
    recased: StrictFloat = Field(
        default=0.0,
        description="share of the sentences also learned in another case: lower case, capitals or headline",
        ge=0.0,
        le=1.0,
    )
    init: str = Field(
        default="",
        description="archive, or bundled model, to start from, with any labels; it decides the network's sizes",
    )
    vectors: str = Field(default="", description="file of word vectors to start from, a word and its numbers a line")
    vectors_limit: StrictInt = Field(
        default=100_000,
        description="lines read from the vector file; beyond them, only words of the corpora are read",
        ge=1,
        le=10_000_000,
    )
    pair_vectors: str = Field(
        default="", description="file of vectors of neighbouring word pairs, written without a space between"
    )
    lexicon: str = Field(
        default="",
        description="file of vectors of words, all of which are looked for among the tokens of text without spaces",
    )

    def __post_init__(self) -> None:
        if self.init and (self.vectors or self.pair_vectors):
            raise ValueError("init and vectors exclude each other: an archive has its own vectors")
        if self.time and not self.seconds:
            raise ValueError(f"time: {self.time!r} is not a time such as 90s, 10m or 1.5h")

    @property
    def seconds(self) -> float:
        """The time in seconds; 0 if there is none."""
        found = _TIME.fullmatch(self.time)
        return float(found[1]) * _SECONDS[found[2]] if found else 0.0


@dataclass(frozen=True, slots=True, config=FORBID)
class Config:
    """Everything that decides the result of a training.

    Raises:
        ValidationError: Any part is refused, there is no corpus, or corpora and labels contradict each other.
    """

    corpora: tuple[CorpusConfig, ...] = ()
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    tagger: TaggerConfig = Field(default_factory=TaggerConfig)
    name: str = Field(default="", description="what requests call the model; default: the output's name")
    description: str = Field(default="", description="one sentence for the model card")
    language: str = Field(
        default="", description="language of the texts, BCP 47, such as en; default: found in them, und if unclear"
    )
    licence: str = Field(default="", description="licence of the weights; default: that of the data")
    labels: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ValueError("no corpus: name a dataset, or a train and a dev file")
        if name := _repeated([corpus.name for corpus in self.corpora]):
            raise ValueError(f"corpora: two are called {name}; scores need different names")
        if len([corpus for corpus in self.corpora if corpus.divided]) > 1:
            raise ValueError("corpora: only one of them can be divided")
        if label := _repeated(self.labels):
            raise ValueError(f"labels: {label} is there twice")
        targets = {*self.labels, OUTSIDE, UNKNOWN}
        if len(targets) < len(self.labels) + 2:
            raise ValueError(f"labels: {OUTSIDE} and {UNKNOWN} are not labels")
        for corpus in self.corpora if self.labels else ():
            for key, labels in (("map", corpus.map.values()), ("annotates", corpus.annotates)):
                for label in labels:
                    if label not in targets:
                        raise ValueError(
                            f"corpora: {corpus.name}: {key}: {label} is none of {', '.join(self.labels)}"
                        )

    def to_json(self) -> dict[str, Any]:
        """The configuration as JSON, which `from_json` reads again."""
        return asdict(self)


_CONFIG = TypeAdapter(Config)
_CORPORA = TypeAdapter(tuple[CorpusConfig, ...])
_SECTIONS: dict[str, type] = {"training": TrainingConfig, "tagger": TaggerConfig, "corpora": CorpusConfig}


def from_json(value: object, where: str) -> Config:
    """The configuration in `value`: nested tables, as in TOML, or what `Config.to_json` gave.

    A key that is absent has its default: a configuration stored before a setting existed was made with the default.

    Args:
        value: The tables.
        where: Where they come from; error messages begin with it.

    Raises:
        ConfigError: A key is unknown, a value has the wrong type or is out of its limits, or two contradict.
    """
    try:
        return _CONFIG.validate_python(value)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_explain(error)}") from error


def fold(config: Config, number: int, count: int) -> Config:
    """The configuration of one fold of a cross-validation, the `number`-th of `count`.

    Raises:
        ConfigError: A corpus is a dataset, or has files beside the one to divide.
    """
    table = config.to_json()
    for corpus in table["corpora"]:
        corpus |= {"fold": f"{number}/{count}"}
    return from_json(table, "--folds")


def stored_corpora(settings: Mapping[str, Any], where: str) -> tuple[CorpusConfig, ...]:
    """The corpora that an archive's `settings` say it was trained on, each with all its keys.

    Args:
        settings: `Metadata.settings` of the archive.
        where: The archive's name, for error messages.

    Raises:
        ConfigError: They cannot be read by this version of nerve.
    """
    try:
        return _CORPORA.validate_python(settings.get("corpora", ()))
    except ValidationError as error:
        raise ConfigError(f"{where}: its stored corpora: {_explain(error)}") from error


def read(
    path: Path | None, overrides: Mapping[str, Mapping[str, Any]], corpora: Sequence[Mapping[str, Any]] = ()
) -> Config:
    """The configuration in a TOML file.

    Args:
        path: The file, if there is one.
        overrides: Values that take precedence, by section; the section "" is the top level.
        corpora: Corpora in place of the file's.

    Raises:
        ConfigError: The file cannot be read, or `from_json` refuses it.
    """
    where = str(path or "command line")
    table: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
    for section, values in overrides.items():
        if not section:
            table |= values
        elif isinstance(table.setdefault(section, {}), Mapping):  # anything else is refused below
            table[section] |= values
    if corpora:
        table["corpora"] = list(corpora)
    return from_json(table, where)


def settings_of(kind: type) -> dict[str, FieldInfo]:
    """The fields of a configuration class by name, each with its default, description and limits."""
    fields: dict[str, FieldInfo] = kind.__pydantic_fields__  # type: ignore[attr-defined]
    return fields


def _explain(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    if fault["type"] != "unexpected_keyword_argument":
        return explain(error)
    section = fault["loc"][0] if len(fault["loc"]) > 1 else ""
    keys = ", ".join(settings_of(_SECTIONS.get(str(section), Config)))
    return f"{explain(error)}; the keys are {keys}"


def _repeated(strings: Sequence[str]) -> str:
    """The first string that is there twice, or ""."""
    return next((string for string in strings if strings.count(string) > 1), "")

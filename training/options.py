"""The command line of `nerve.training.train`: every field of the configuration is a flag, named after it."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nerve.model.config import TaggerConfig
from nerve.training import config
from nerve.training.config import Config, ConfigError, TrainingConfig
from nerve.training.data import datasets

_SECTIONS: tuple[tuple[str, type], ...] = (("training", TrainingConfig), ("tagger", TaggerConfig))
_TOP = {
    "name": "what requests call the model; by default the output's name",
    "description": "one sentence for the model card",
    "language": "BCP 47, such as en",
    "licence": "of the weights; by default that of the data",
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line when it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m nerve.training.train",
        description="Train a tagger and export it with its model card, its learning curve and its confusions.",
        epilog="Run again after an interruption, the same command goes on from the last epoch.",
        allow_abbrev=False,  # `command` knows the flags by their whole names
    )
    add = parser.add_argument
    add(
        "--output",
        type=Path,
        required=True,
        metavar="FILE.pt",
        help="the archive; its card and pictures go beside it",
    )
    add("--config", type=Path, metavar="FILE.toml", help="settings and corpora; flags override it")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (default: auto)")
    add("--threads", type=positive, default=1, metavar="N", help="CPU threads; more seldom pay (default: 1)")
    add("--restart", action="store_true", help="forget the checkpoint of an interrupted run")
    group = parser.add_argument_group("corpora, in place of those of the configuration")
    add = group.add_argument
    add("--dataset", action="append", default=[], metavar="NAME", help=f"one of {', '.join(datasets.names())}")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE and fetch nothing")
    for split in datasets.SPLITS:
        add(
            f"--{split}", default="", metavar="FILE", help=f"a {split} file of one's own: CoNLL columns or JSON lines"
        )
    add("--map", type=mapping, default={}, metavar="A=B,…", help="rename labels; to O: no name, to ?: not known")
    add("--labels", type=names, metavar="A,B,…", help="the labels to learn; by default all that the corpora have")
    group = parser.add_argument_group("model")
    for key, about in _TOP.items():
        group.add_argument(f"--{key}", help=about)
    for section, kind in _SECTIONS:
        group = parser.add_argument_group(section)
        types = get_type_hints(kind)
        for field in fields(kind):
            flag, about = f"--{field.name.replace('_', '-')}", field.metadata["about"]
            extra: dict[str, Any] = {"type": types[field.name], "metavar": types[field.name].__name__.upper()}
            if types[field.name] is bool:
                extra = {"action": argparse.BooleanOptionalAction}
            elif get_origin(types[field.name]) is Literal:
                extra = {"choices": get_args(types[field.name])}
            group.add_argument(flag, dest=f"{section}.{field.name}", help=f"{about} ({field.default})", **extra)
    return parser.parse_args(arguments)


def configuration(options: argparse.Namespace) -> Config:
    """The configuration that the command line asks for.

    Raises:
        ConfigError: the file or a flag is refused, or the corpora contradict each other.
    """
    given = {name: value for name, value in vars(options).items() if value is not None}
    overrides: dict[str, dict[str, Any]] = {"": {name: given[name] for name in (*_TOP, "labels") if name in given}}
    for section, kind in _SECTIONS:
        keys = {field.name: f"{section}.{field.name}" for field in fields(kind)}
        overrides[section] = {name: given[key] for name, key in keys.items() if key in given}
    files = {split: getattr(options, split) for split in datasets.SPLITS}
    corpora: list[dict[str, Any]] = [{"dataset": name, "map": options.map} for name in options.dataset]
    if any(files.values()):
        if corpora:
            raise ConfigError("command line: --dataset and files of one's own exclude each other")
        corpora = [{**files, "map": options.map}]
    if options.map and not corpora:
        raise ConfigError("command line: --map is for corpora given there too; in the file it is a corpus's key")
    overrides[""].setdefault("name", options.output.stem)
    if options.config is not None and "name" not in given:
        del overrides[""]["name"]
    return config.read(options.config, overrides, corpora)


def command(arguments: Sequence[str]) -> str:
    """The command that anybody can repeat, without what is each machine's own: where the data lie, what computes."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--data-dir", "--threads", "--device"):
        own.add_argument(flag)
    own.add_argument("--restart", action="store_true")
    return shlex.join(["python", "-m", "nerve.training.train", *own.parse_known_args(list(arguments))[1]])


def positive(text: str) -> int:
    """A whole number from 1 on. Raises ValueError otherwise."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def mapping(text: str) -> dict[str, str]:
    """`A=B,C=D` as a dictionary. Raises ValueError otherwise."""
    pairs = [pair.split("=") for pair in text.split(",")]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise ValueError(text)
    return {pair[0]: pair[1] for pair in pairs}


def names(text: str) -> tuple[str, ...]:
    """`A,B` as a tuple. Raises ValueError when one is empty."""
    parts = tuple(text.split(","))
    if not all(parts):
        raise ValueError(text)
    return parts

"""The command line of `nerve train`: every field of the configuration is a flag with the field's name."""

import argparse
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nerve.model.config import TaggerConfig
from nerve.training import config, reading
from nerve.training.config import Config, ConfigError, TrainingConfig, settings_of
from nerve.training.data import datasets
from nerve.training.values import folds, mapping, names, positive

PROGRAM = "nerve train"
_SECTIONS: tuple[tuple[str, type], ...] = (("training", TrainingConfig), ("tagger", TaggerConfig))
_ABOUT_MODEL = ("name", "description", "language", "licence")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line. Prints a usage line and exits with 2 if they are malformed."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train a tagger and export it with its model card, learning curve and confusion matrix.",
        epilog="After an interruption, run the same command again: it continues after the last complete epoch.",
        allow_abbrev=False,  # `command` recognises only whole flags
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE.pt",
        help="the archive to write; its card and pictures go beside it",
    )
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="settings and corpora; flags override it")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    parser.add_argument(
        "--threads", type=positive, default=1, metavar="N", help="CPU threads; more than 1 seldom helps (default: 1)"
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="ignore the checkpoint of an interrupted run, and replace a finished model",
    )
    _add_corpora(parser.add_argument_group("corpora, which replace those of the configuration file").add_argument)
    model = parser.add_argument_group("model")
    for name in _ABOUT_MODEL:
        model.add_argument(f"--{name}", help=settings_of(Config)[name].description)
    for section, kind in _SECTIONS:
        _add_settings(parser.add_argument_group(section).add_argument, section, kind)
    return parser.parse_args(arguments)


def configuration(options: argparse.Namespace) -> Config:
    """The configuration that the options ask for.

    Raises:
        ConfigError: The file or a flag is refused, or the corpora contradict each other.
    """
    given = {name: value for name, value in vars(options).items() if value is not None}
    overrides = {"": {name: given[name] for name in (*_ABOUT_MODEL, "labels") if name in given}}
    if options.config is None:
        overrides[""].setdefault("name", options.output.stem)
    for section, kind in _SECTIONS:
        flags = {name: f"{section}.{name}" for name in settings_of(kind)}
        overrides[section] = {name: given[flag] for name, flag in flags.items() if flag in given}
    return config.read(options.config, overrides, _corpora(options))


def command(arguments: Sequence[str]) -> str:
    """The command that repeats a training anywhere: without flags that depend on the machine."""
    local = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--data-dir", "--threads", "--device"):
        local.add_argument(flag)
    local.add_argument("--restart", action="store_true")
    return f"{PROGRAM} {shlex.join(local.parse_known_args(list(arguments))[1])}"


def _add_corpora(add: Callable[..., object]) -> None:
    add(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME",
        help=f"may be repeated; one of {', '.join(datasets.names())}",
    )
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE; download nothing")
    for split in datasets.SPLITS:
        add(f"--{split}", default="", metavar="FILE", help=f"your own {split} file, in any format that nerve reads")
    add(
        "--split",
        default="",
        metavar="80/10/10",
        help="take dev and test out of the train file, in these shares: by document, each label in its share; the "
        "parts are written beside the output. 80/20 takes dev alone",
    )
    add(
        "--folds",
        type=folds,
        metavar="N",
        help="cross-validate: train N models, each tested on another N-th of the train file, and print the mean F1",
    )
    add("--split-seed", type=positive, metavar="N", help="seed of --split and --folds (default: 1)")
    reading.add(add)
    add(
        "--map",
        type=mapping,
        default={},
        metavar="A=B,…",
        help="rename labels; A=O: A is not a name, A=?: nobody knows whether A is a name",
    )
    add("--labels", type=names, metavar="A,B,…", help="labels to learn (default: all labels of the corpora)")


def _add_settings(add: Callable[..., object], section: str, kind: type) -> None:
    """A flag for each field of the dataclass `kind`; its value goes to `SECTION.FIELD`."""
    types = get_type_hints(kind)
    for name, setting in settings_of(kind).items():
        of_type: dict[str, Any] = {"type": types[name], "metavar": types[name].__name__.upper()}
        if types[name] is bool:
            of_type = {"action": argparse.BooleanOptionalAction}
        elif get_origin(types[name]) is Literal:
            of_type = {"choices": get_args(types[name])}
        default = "none" if setting.default == "" else setting.default
        add(
            _flag(name),
            dest=f"{section}.{name}",
            help=f"{setting.description} (default: {default})",
            **of_type,
        )


def _corpora(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The corpora that the flags name, as tables of a configuration; empty if they name none."""
    files = {split: getattr(options, split) for split in datasets.SPLITS}
    how = {key: getattr(options, key) for key in ("split", "split_seed", *reading.KEYS)}
    how = {key: value for key, value in how.items() if value}
    if any(files.values()) and options.dataset:
        raise ConfigError("command line: --dataset and your own files exclude each other")
    corpora: list[dict[str, Any]] = [{"dataset": name, "map": options.map} for name in options.dataset]
    if files["train"] and not (files["dev"] or options.split or options.folds):
        fact = f"{files['train']} needs a dev file beside it: --dev, or --split 80/10/10 to take one out of it"
        raise ConfigError(f"command line: {fact}")
    if any(files.values()):
        corpora = [{**files, **how, "map": options.map}]
    elif how:
        raise ConfigError(f"command line: {_flag(next(iter(how)))} needs --train; in a file, it is a key of a corpus")
    if options.map and not corpora:
        raise ConfigError("command line: --map needs --dataset or --train; in a file, map is a key of a corpus")
    return corpora


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"

"""Every setting of the service: one frozen dataclass, read once at start from flags and the environment.

A flag beats its environment variable, which beats the default; an empty variable counts as unset. Whatever is
out of range or contradicts another setting raises `SettingsError`, one line that names the setting.
"""

import argparse
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from nerve.model import bundled

# English first: it answers the requests that name no model.
BUNDLED_MODELS = tuple(map(bundled.path_of, bundled.NAMES))
BUNDLED_MODEL = BUNDLED_MODELS[0]
CHOICES = {
    "device": ("auto", "cpu", "cuda"),
    "log_format": ("text", "json"),
    "log_level": ("debug", "info", "warning", "error"),
}


class StartError(Exception):
    """One line: why the service cannot start."""


class SettingsError(StartError):
    """One line: which setting is wrong, and what it may be."""


def bundled_models() -> tuple[Path, ...]:
    """The bundled archives that are there; where none is, the first, for the error to name."""
    return tuple(path for path in BUNDLED_MODELS if path.is_file()) or BUNDLED_MODELS[:1]


def _setting(default: Any, variable: str, explanation: str) -> Any:
    return field(default=default, metadata={"variable": variable, "explanation": explanation})


@dataclass(frozen=True)
class Settings:
    """Raises SettingsError when a value is out of range or two values contradict each other."""

    host: str = _setting("127.0.0.1", "HOST", "address to listen on")
    port: int = _setting(8000, "PORT", "TCP port to listen on; 0 takes a free one")
    workers: int = _setting(1, "WORKERS", "processes that answer, each with its own copy of the models")
    models: tuple[Path, ...] = field(
        default_factory=bundled_models,
        metadata={
            "variable": "MODEL",
            "explanation": "archive to serve, or the name of a bundled one; several are joined by "
            f"'{os.pathsep}', and the first is the default",
        },
    )
    device: str = _setting("auto", "DEVICE", f"one of {', '.join(CHOICES['device'])}")
    max_body_bytes: int = _setting(8 * 2**20, "NERVE_MAX_BODY_BYTES", "longest request body, in bytes")
    max_characters: int = _setting(2_000_000, "NERVE_MAX_CHARACTERS", "longest text, in characters")
    max_texts: int = _setting(1_000, "NERVE_MAX_TEXTS", "most texts in one request")
    max_tokens: int = _setting(1_000_000, "NERVE_MAX_TOKENS", "most tokens in all texts of one request")
    queue_tokens: int = _setting(2_000_000, "NERVE_QUEUE_TOKENS", "most tokens waiting for the engine")
    batch_tokens: int = _setting(
        2_048, "NERVE_BATCH_TOKENS", "largest batch, in tokens of its longest window times its windows"
    )
    threads: int = _setting(1, "NERVE_THREADS", "threads in which torch computes a batch; 0: one a core")
    deadline_seconds: float = _setting(30.0, "NERVE_DEADLINE_SECONDS", "longest time to an answer")
    # Docker kills ten seconds after its SIGTERM: the two together stay below.
    drain_grace_seconds: float = _setting(
        1.0, "NERVE_DRAIN_GRACE_SECONDS", "time from SIGTERM, when readiness goes, until the port is closed"
    )
    drain_seconds: int = _setting(8, "NERVE_DRAIN_SECONDS", "time for requests in flight after that")
    api_keys_file: str = _setting("", "NERVE_API_KEYS_FILE", "file of the keys of which a request needs one")
    cors_origins: str = _setting(
        "", "NERVE_CORS_ORIGINS", "origins whose pages may ask, such as https://example.org, joined by ','; * for all"
    )
    log_format: str = _setting("text", "NERVE_LOG_FORMAT", f"one of {', '.join(CHOICES['log_format'])}")
    log_level: str = _setting("info", "NERVE_LOG_LEVEL", f"one of {', '.join(CHOICES['log_level'])}")

    def __post_init__(self) -> None:
        _check_range("port", self.port, 0, 65_535)
        _check_range("workers", self.workers, 1, 1_024)
        for name in ("max_body_bytes", "max_characters", "max_texts", "max_tokens", "queue_tokens"):
            _check_range(name, getattr(self, name), 1, 2**40)
        _check_range("batch_tokens", self.batch_tokens, 1, 2**24)
        _check_range("threads", self.threads, 0, 1_024)
        _check_range("deadline_seconds", self.deadline_seconds, 0.001, 86_400)
        _check_range("drain_grace_seconds", self.drain_grace_seconds, 0, 86_400)
        _check_range("drain_seconds", self.drain_seconds, 0, 86_400)
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise SettingsError(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(choices)}")
        if not self.host:
            raise SettingsError("host is empty; name an address, such as 127.0.0.1")
        for origin in self.allowed_origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s,*]+", origin):
                raise SettingsError(
                    f"cors_origins has {origin!r}; it may have https://example.org and its like, or *"
                )
        if not self.models:
            raise SettingsError("model is empty; name at least one archive")
        if self.max_characters > self.max_body_bytes:
            raise SettingsError(
                f"max_characters ({self.max_characters:,}) is larger than max_body_bytes ({self.max_body_bytes:,}): "
                "no body could hold such a text"
            )
        if self.max_tokens > self.queue_tokens:
            raise SettingsError(
                f"max_tokens ({self.max_tokens:,}) is larger than queue_tokens ({self.queue_tokens:,}): "
                "such a request could never be queued"
            )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        return tuple(filter(None, map(str.strip, self.cors_origins.split(","))))


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings that the command line and the environment ask for.

    Raises SettingsError for an unknown flag, a value that cannot be read, and whatever `Settings` refuses.
    Exits with status 0 after printing the help that `--help` asks for.
    """
    flags = vars(_parser().parse_args(arguments))
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        variable = setting.metadata["variable"]
        if flags[setting.name] is not None:
            values[setting.name] = _read(setting, flags[setting.name], _flag(setting))
        elif environment.get(variable):
            values[setting.name] = _read(setting, environment[variable], variable)
    return Settings(**values)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse would print its usage and exit: two shapes of error where one is promised.
        raise SettingsError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nerve serve", description="Serve named-entity recognition over HTTP.")
    for setting in fields(Settings):
        default: Any = setting.default
        if setting.name == "models":
            default = os.pathsep.join(map(str, bundled_models()))
        parser.add_argument(
            _flag(setting),
            dest=setting.name,
            # A repeated --model adds an archive; every other flag is given once.
            action="append" if setting.name == "models" else "store",
            metavar=setting.metadata["variable"].removeprefix("NERVE_"),
            help=f"{setting.metadata['explanation']} (${setting.metadata['variable']}, default {default or 'none'})",
        )
    return parser


def _flag(setting: "Field[Any]") -> str:
    return "--model" if setting.name == "models" else "--" + setting.name.replace("_", "-")


def _read(setting: "Field[Any]", value: str | list[str], source: str) -> Any:
    if setting.name == "models":
        paths = value if isinstance(value, list) else value.split(os.pathsep)
        return tuple(bundled.resolve(path) for path in paths if path)
    assert isinstance(value, str)
    kind: type = type(setting.default)
    try:
        return kind(value)
    except ValueError:
        noun = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{source} is {value!r}; it must be {noun}") from None


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise SettingsError(f"{name} is {value:,}; it must be between {low:,} and {high:,}")

"""Every setting of the service: a flag, an environment variable and a default each, read once at start.

A flag takes precedence over its variable, which takes precedence over the default; an empty variable counts as unset.
"""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import AliasGenerator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from nerve.model import bundled
from nerve.model.config import Location, explain
from nerve.patterns import NAMES, REGIONS
from nerve.service.budget import needed_bytes

# English first: it answers the requests that name no model.
BUNDLED_MODELS = tuple(map(bundled.path_of, bundled.NAMES))
BUNDLED_MODEL = BUNDLED_MODELS[0]


class StartError(Exception):
    """The service cannot start; the message is one line that says why."""


class SettingsError(StartError):
    """A setting is wrong; the message is one line that names the setting and its limit."""


def bundled_models() -> tuple[Path, ...]:
    """The bundled archives that are installed; if none is, the first, so that the error can name it."""
    return tuple(path for path in BUNDLED_MODELS if path.is_file()) or BUNDLED_MODELS[:1]


class Settings(BaseSettings):
    """The settings, from arguments, the environment and defaults, in this order.

    `settings.model_copy(update={...})` replaces values without validating them.

    Raises:
        ValidationError: A value is malformed or out of its limits, or two contradict each other.
    """

    # The aliases are the environment variables. In code and in errors a setting has the name of its field.
    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: f"NERVE_{name.upper()}"),
        case_sensitive=True,
        env_ignore_empty=True,
        frozen=True,
        loc_by_alias=False,
        validate_by_name=True,
    )

    host: str = Field(
        default="127.0.0.1", validation_alias="HOST", min_length=1, description="address to listen on, not empty"
    )
    port: int = Field(
        default=8000,
        validation_alias="PORT",
        ge=0,
        le=65_535,
        description="TCP port to listen on; 0 for any free port",
    )
    unix_socket: str = Field(
        default="", description="path of a Unix socket to listen on, instead of the address and the port"
    )
    unix_socket_mode: str = Field(
        default="660",
        pattern="^[0-7]{3}$",
        description="permissions of the Unix socket, three octal digits; who may write may connect",
    )
    workers: int = Field(
        default=1,
        validation_alias="WORKERS",
        ge=1,
        le=1_024,
        description="processes that answer requests, each with its own copy of the models",
    )
    models: Annotated[tuple[Path, ...], NoDecode] = Field(
        default_factory=bundled_models,
        validation_alias="MODEL",
        min_length=1,
        description="archive to serve, or the name of a bundled one; repeat the flag, or join several by "
        f"'{os.pathsep}'; the first is the default",
    )
    model_sha256: str = Field(
        default="",
        description="the SHA-256 digests that archives may have, joined by ','; any other archive is refused",
    )
    weights_only: bool = Field(
        default=False, description="read archives as data: execute none of the TorchScript in them"
    )
    reload_seconds: float = Field(
        default=60.0, ge=0.001, le=86_400, description="longest time to read an archive or the API keys again"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", validation_alias="DEVICE", description="auto, cpu or cuda"
    )
    max_body_bytes: int = Field(default=8 * 2**20, ge=1, le=2**40, description="longest request body, in bytes")
    max_characters: int = Field(default=2_000_000, ge=1, le=2**40, description="longest text, in characters")
    max_texts: int = Field(default=1_000, ge=1, le=2**40, description="most texts in one request")
    max_tokens: int = Field(
        default=200_000, ge=1, le=2**40, description="most tokens in all texts of one request together"
    )
    memory_bytes: int = Field(
        default=256 * 2**20,
        ge=1,
        le=2**44,
        description="most bytes of bodies, work and answers of all requests of a process together",
    )
    queue_tokens: int = Field(default=2_000_000, ge=1, le=2**40, description="most tokens waiting for the engine")
    batch_tokens: int = Field(
        default=2_048,
        ge=1,
        le=2**24,
        description="largest batch: its windows times the tokens of the longest of them",
    )
    threads: int = Field(
        default=1, ge=0, le=1_024, description="threads that torch uses for a batch; 0 for one per core"
    )
    deadline_seconds: float = Field(default=30.0, ge=0.001, le=86_400, description="longest time to an answer")
    head_seconds: float = Field(
        default=20.0, ge=0.001, le=86_400, description="longest time for a request's headers to arrive"
    )
    body_seconds: float = Field(
        default=30.0,
        ge=0.001,
        le=86_400,
        description="longest time for a request's body to arrive, plus a second for each KiB of it; of a stream, "
        "the longest pause, plus the deadline",
    )
    answer_seconds: float = Field(
        default=60.0, ge=0.001, le=86_400, description="longest time in which a client takes nothing of its answer"
    )
    keep_alive_seconds: float = Field(
        default=75.0, ge=0.001, le=86_400, description="longest time between two requests of a connection"
    )
    # Docker kills ten seconds after its SIGTERM: the two together stay below.
    drain_grace_seconds: float = Field(
        default=1.0,
        ge=0,
        le=86_400,
        description="time after SIGTERM in which the port stays open, while readiness already says no",
    )
    drain_seconds: int = Field(
        default=8, ge=0, le=86_400, description="time after that for the requests in flight to finish"
    )
    hang_seconds: float = Field(
        default=15.0,
        ge=2,
        le=86_400,
        description="with several workers: time without a sign of life after which a worker is killed and replaced",
    )
    patterns: str = Field(
        default="",
        description="patterns that /v1/entities finds unless a request says which: all, or some of "
        f"{', '.join(NAMES)}, joined by ','",
    )
    phone_regions: str = Field(
        default=",".join(REGIONS),
        description="regions whose telephone numbers are found without a country code, such as US,GB; by ISO 3166",
    )
    api_keys_file: str = Field(
        default="", description="file of API keys; if set, every request must send one of them"
    )
    cors_origins: str = Field(
        default="",
        description="origins whose pages may send requests, such as https://example.org, joined by ','; * for all",
    )
    log_format: Literal["text", "json"] = Field(default="text", description="text or json")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )

    @field_validator("models", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        paths = value.split(os.pathsep) if isinstance(value, str) else value
        return tuple(bundled.resolve(path) for path in paths if path) if isinstance(paths, list) else paths

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: str) -> str:
        for origin in _parts(value):
            if origin != "*" and not re.fullmatch(r"https?://[^/\s,*]+", origin):
                raise ValueError(f"{origin!r} is not an origin such as https://example.org, nor *")
        return value

    @field_validator("model_sha256")
    @classmethod
    def _check_digests(cls, value: str) -> str:
        for digest in _parts(value):
            if not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
                raise ValueError(f"{digest!r} is not a SHA-256 digest, which has 64 hexadecimal digits")
        return value

    @field_validator("patterns")
    @classmethod
    def _check_patterns(cls, value: str) -> str:
        for name in _parts(value):
            if name not in (*NAMES, "all"):
                raise ValueError(f"{name!r} is none of {', '.join(NAMES)} and all")
        return value

    @field_validator("phone_regions")
    @classmethod
    def _check_regions(cls, value: str) -> str:
        from nerve.patterns.phone import plan  # not at the top, because it takes a while to import

        for region in _parts(value):
            plan(region)
        return value

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        if self.max_characters > self.max_body_bytes:
            raise ValueError(
                f"max_characters ({self.max_characters:,}) is larger than max_body_bytes ({self.max_body_bytes:,}): "
                "no body could hold such a text"
            )
        if self.max_tokens > self.queue_tokens:
            raise ValueError(
                f"max_tokens ({self.max_tokens:,}) is larger than queue_tokens ({self.queue_tokens:,}): "
                "such a request could never be queued"
            )
        needed = needed_bytes(self.max_body_bytes, self.max_tokens)
        if self.memory_bytes < needed:
            raise ValueError(
                f"memory_bytes ({self.memory_bytes:,}) is too small for a request of max_body_bytes "
                f"({self.max_body_bytes:,}) with max_tokens ({self.max_tokens:,}): it needs {needed:,}"
            )
        return self

    @property
    def pattern_names(self) -> tuple[str, ...]:
        """The patterns in `patterns`."""
        names = _parts(self.patterns) if self.patterns else ()
        return NAMES if "all" in names else names

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions in `phone_regions`."""
        return _parts(self.phone_regions)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins in `cors_origins`."""
        return _parts(self.cors_origins)

    @property
    def allowed_digests(self) -> frozenset[str]:
        """The digests in `model_sha256`, in lower case; if there are none, every archive is allowed."""
        return frozenset(map(str.lower, _parts(self.model_sha256)))


def read_settings(arguments: Sequence[str]) -> Settings:
    """The settings that the command line and the environment ask for. `--help` prints the help and exits with 0.

    Raises:
        SettingsError: A flag is unknown, or a value is refused.
    """
    flags = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}

    def source(location: Location) -> str:
        name = str(location[0])
        return flag(name) if name in flags else variable(name)

    try:
        return Settings(**flags)
    except ValidationError as error:
        raise SettingsError(explain(error, source)) from None


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--model" if name == "models" else f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return str(Settings.model_fields[name].validation_alias)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse would print its usage and exit; every other wrong setting is a line without a usage.
        raise SettingsError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nerve serve", description="Serve named-entity recognition over HTTP.")
    for name, field in Settings.model_fields.items():
        default: Any = field.default
        if name == "models":
            default = os.pathsep.join(map(str, bundled_models()))
        parser.add_argument(
            flag(name),
            dest=name,
            nargs="?" if field.annotation is bool else None,
            const="true" if field.annotation is bool else None,
            action="append" if name == "models" else "store",
            metavar=variable(name).removeprefix("NERVE_"),
            help=f"{field.description} (${variable(name)}, default: {'none' if default == '' else default})",
        )
    return parser


def _parts(value: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, value.split(","))))

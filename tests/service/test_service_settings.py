"""Flags beat variables beat defaults, and each mistake is one line that names the setting."""

import os
from pathlib import Path

import pytest

from nerve.service import settings as settings_module
from nerve.service.settings import BUNDLED_MODELS, Settings, SettingsError, read_settings


def test_the_defaults_serve_the_bundled_models_on_the_loopback_address() -> None:
    settings = read_settings([], {})
    there = tuple(path for path in BUNDLED_MODELS if path.is_file())
    assert (settings.host, settings.port, settings.models) == ("127.0.0.1", 8000, there)


@pytest.mark.parametrize(
    ("there", "served"),
    [(["zh.pt", "en.pt", "mine.pt"], ["en.pt", "zh.pt"]), (["zh.pt"], ["zh.pt"]), ([], ["en.pt"])],
)
def test_of_the_bundled_models_those_that_are_there_are_served_english_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], served: list[str]
) -> None:
    monkeypatch.setattr(settings_module, "BUNDLED_MODELS", tuple(tmp_path / path.name for path in BUNDLED_MODELS))
    for name in there:
        (tmp_path / name).touch()
    assert Settings().models == tuple(tmp_path / name for name in served)


def test_a_variable_beats_the_default() -> None:
    assert read_settings([], {"NERVE_MAX_TEXTS": "7"}).max_texts == 7


def test_a_flag_beats_the_variable() -> None:
    assert read_settings(["--port", "2"], {"PORT": "1"}).port == 2


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings([], {"PORT": ""}).port == 8000


@pytest.mark.parametrize(
    ("flags", "environment"),
    [(["--model", "a.pt", "--model", "b.pt"], {}), ([], {"MODEL": os.pathsep.join(["a.pt", "b.pt"])})],
)
def test_several_models_can_be_named(flags: list[str], environment: dict[str, str]) -> None:
    assert read_settings(flags, environment).models == (Path("a.pt"), Path("b.pt"))


@pytest.mark.parametrize(
    ("flags", "environment", "named"),
    [
        (["--port", "65536"], {}, "port"),
        (["--port", "-1"], {}, "port"),
        (["--port", "http"], {}, "--port"),
        ([], {"PORT": "http"}, "PORT"),
        (["--device", "tpu"], {}, "device"),
        ([], {"MODEL": os.pathsep}, "model"),
        (["--max-texts", "0"], {}, "max_texts"),
        (["--deadline-seconds", "nan"], {}, "deadline_seconds"),
        (["--deadline-seconds", "0"], {}, "deadline_seconds"),
        (["--colour", "red"], {}, "--colour"),
        (["--max-characters", "9", "--max-body-bytes", "8"], {}, "max_body_bytes"),
        (["--queue-tokens", "99"], {}, "queue_tokens"),
        ([], {"NERVE_LOG_FORMAT": "xml"}, "log_format"),
        (["--log-level", "loud"], {}, "log_level"),
        (["--cors-origins", "example.org"], {}, "cors_origins"),
        (["--cors-origins", "https://example.org/path"], {}, "cors_origins"),
        (["--cors-origins", "https://*.example.org"], {}, "cors_origins"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_in_one_line(
    flags: list[str], environment: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refusal:
        read_settings(flags, environment)
    assert "\n" not in str(refusal.value)


def test_an_empty_host_is_refused() -> None:
    with pytest.raises(SettingsError, match="host"):
        Settings(host="")


def test_a_megabyte_of_text_is_within_the_default_limits() -> None:
    settings = Settings()
    assert min(settings.max_body_bytes, settings.max_characters) > 2**20


@pytest.mark.parametrize("given", [["--model", "zh", "--model", "./zh"], []])
def test_a_model_may_be_a_bundled_name_or_a_path(given: list[str]) -> None:
    settings = read_settings(given, {"MODEL": f"zh{os.pathsep}./zh"})
    assert settings.models == (BUNDLED_MODELS[1], Path("./zh"))

"""Flags beat variables beat defaults, and each mistake is one line that names the setting and its limit."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from nerve.patterns import NAMES
from nerve.service import settings as settings_module
from nerve.service.settings import BUNDLED_MODELS, Settings, SettingsError, flag, read_settings, variable


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """The settings for these flags in an environment with these variables."""

    def read(*flags: str, **variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return read_settings(flags)

    return read


def test_the_defaults_serve_the_bundled_models_on_the_loopback_address() -> None:
    settings = read_settings([])
    there = tuple(path for path in BUNDLED_MODELS if path.is_file())
    assert (settings.host, settings.port, settings.models) == ("127.0.0.1", 8000, there)


@pytest.mark.parametrize(
    ("there", "served"),
    [
        (["multi.pt", "zh.pt", "en.pt", "mine.pt"], ["en.pt", "zh.pt", "multi.pt"]),
        (["zh.pt"], ["zh.pt"]),
        ([], ["en.pt"]),
    ],
)
def test_of_the_bundled_models_those_that_are_there_are_served_english_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], served: list[str]
) -> None:
    monkeypatch.setattr(settings_module, "BUNDLED_MODELS", tuple(tmp_path / path.name for path in BUNDLED_MODELS))
    for name in there:
        (tmp_path / name).touch()
    assert Settings().models == tuple(tmp_path / name for name in served)


def test_a_variable_beats_the_default(read: Callable[..., Settings]) -> None:
    assert read(NERVE_MAX_TEXTS="7").max_texts == 7


def test_a_flag_beats_the_variable(read: Callable[..., Settings]) -> None:
    assert read("--port", "2", PORT="1").port == 2


def test_a_flag_beats_a_variable_that_is_wrong(read: Callable[..., Settings]) -> None:
    assert read("--port", "2", PORT="http").port == 2


def test_an_empty_variable_counts_as_unset(read: Callable[..., Settings]) -> None:
    assert read(PORT="", HOST="", MODEL="") == Settings()


def test_a_variable_has_exactly_its_name(read: Callable[..., Settings]) -> None:
    assert read(port="1", nerve_max_texts="7", NERVE_PORT="2", MAX_TEXTS="8") == Settings()


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        (["--model", "a.pt", "--model", "b.pt"], {}),
        (["--model", "a.pt", "--model", "b.pt"], {"MODEL": "c.pt"}),
        ([], {"MODEL": os.pathsep.join(["a.pt", "b.pt"])}),
        ([], {"MODEL": os.pathsep.join(["", "a.pt", "", "b.pt"])}),
    ],
)
def test_several_models_can_be_named(
    read: Callable[..., Settings], flags: list[str], variables: dict[str, str]
) -> None:
    assert read(*flags, **variables).models == (Path("a.pt"), Path("b.pt"))


def test_a_path_may_hold_commas_and_brackets(read: Callable[..., Settings]) -> None:
    assert read("--model", '[a,"b.pt').models == read(MODEL='[a,"b.pt').models == (Path('[a,"b.pt'),)


@pytest.mark.parametrize(
    ("flags", "variables", "facts"),
    [
        (["--port", "65536"], {}, ["--port is '65536'", "at most 65,535"]),
        (["--port", "-1"], {}, ["--port is '-1'", "at least 0"]),
        (["--port", "http"], {}, ["--port is 'http'", "a whole number"]),
        ([], {"PORT": "http"}, ["PORT is 'http'", "a whole number"]),
        (["--device", "tpu"], {}, ["--device is 'tpu'", "'auto', 'cpu' or 'cuda'"]),
        ([], {"MODEL": os.pathsep}, ["MODEL", "at least 1"]),
        (["--model", ""], {}, ["--model", "at least 1"]),
        (["--host", ""], {}, ["--host", "not empty"]),
        (["--max-texts", "0"], {}, ["--max-texts is '0'", "at least 1"]),
        ([], {"NERVE_MAX_TEXTS": "0"}, ["NERVE_MAX_TEXTS is '0'", "at least 1"]),
        (["--threads", "1025"], {}, ["--threads", "at most 1,024"]),
        (["--workers", "0"], {}, ["--workers", "at least 1"]),
        (["--batch-tokens", "16777217"], {}, ["--batch-tokens", "at most 16,777,216"]),
        (["--deadline-seconds", "nan"], {}, ["--deadline-seconds is 'nan'", "at most 86,400"]),
        (["--deadline-seconds", "0"], {}, ["--deadline-seconds", "at least 0.001"]),
        (["--colour", "red"], {}, ["--colour"]),
        (["--max-characters", "9", "--max-body-bytes", "8"], {}, ["max_characters (9)", "max_body_bytes (8)"]),
        (["--queue-tokens", "99"], {}, ["max_tokens (200,000)", "queue_tokens (99)"]),
        (["--memory-bytes", "99"], {}, ["memory_bytes (99)", "max_body_bytes (8,388,608)", "max_tokens (200,000)"]),
        ([], {"NERVE_LOG_FORMAT": "xml"}, ["NERVE_LOG_FORMAT is 'xml'", "'text' or 'json'"]),
        (["--log-level", "loud"], {}, ["--log-level is 'loud'", "'warning'"]),
        (["--cors-origins", "example.org"], {}, ["--cors-origins", "'example.org'", "https://example.org"]),
        (["--cors-origins", "*,https://example.org/path"], {}, ["--cors-origins", "'https://example.org/path'"]),
        (
            ["--patterns", "EMAIL,DATE"],
            {},
            ["--patterns", "'DATE' is none of URL, EMAIL, IBAN, CARD, IP, PHONE and all"],
        ),
        ([], {"NERVE_PHONE_REGIONS": "US,XX"}, ["NERVE_PHONE_REGIONS", "'XX' is not a region", "such as US or GB"]),
        (["--cors-origins", "https://*.example.org"], {}, ["--cors-origins", "'https://*.example.org'"]),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_with_its_name_and_limit(
    read: Callable[..., Settings], flags: list[str], variables: dict[str, str], facts: list[str]
) -> None:
    with pytest.raises(SettingsError) as refusal:
        read(*flags, **variables)
    message = str(refusal.value)
    assert "\n" not in message
    assert all(fact in message for fact in facts), message


def test_patterns_may_be_all_or_some(read: Callable[..., Settings]) -> None:
    assert read().pattern_names == ()
    assert read("--patterns", "PHONE, URL").pattern_names == ("PHONE", "URL")
    assert read(NERVE_PATTERNS="all").pattern_names == NAMES
    assert read("--phone-regions", "DE,DK").regions == ("DE", "DK")


def test_every_setting_has_a_flag_a_variable_and_a_description() -> None:
    fields = Settings.model_fields
    assert len({flag(name) for name in fields}) == len({variable(name) for name in fields}) == len(fields)
    assert all(field.description for field in fields.values())


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: nerve serve")
    assert all(
        flag(name) in text and f"${variable(name)}," in " ".join(text.split()) for name in Settings.model_fields
    )


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_a_megabyte_of_text_is_within_the_default_limits() -> None:
    settings = Settings()
    assert min(settings.max_body_bytes, settings.max_characters) > 2**20


@pytest.mark.parametrize("given", [["--model", "zh", "--model", "./zh"], []])
def test_a_model_may_be_a_bundled_name_or_a_path(given: list[str], read: Callable[..., Settings]) -> None:
    settings = read(*given, MODEL=f"zh{os.pathsep}./zh")
    assert settings.models == (BUNDLED_MODELS[1], Path("./zh"))

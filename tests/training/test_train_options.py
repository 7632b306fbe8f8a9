"""The command line of `nerve train`."""

from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from nerve.model.config import TaggerConfig
from nerve.training import train_options
from nerve.training.config import Config, ConfigError, CorpusConfig, TrainingConfig, settings_of

SETTINGS = [
    pytest.param(section, name, get_type_hints(kind)[name], setting.default, id=name)
    for section, kind in (("training", TrainingConfig), ("tagger", TaggerConfig))
    for name, setting in settings_of(kind).items()
]


def configuration(*arguments: str) -> Config:
    return train_options.configuration(train_options.parse(["--output", "mine.pt", *arguments]))


def other_value(name: str, hint: Any, default: Any) -> Any:
    """A value that a field of this type may have, and not its default."""
    if name == "time":
        return "10m"
    if get_origin(hint) is Literal:
        return next(value for value in get_args(hint) if value != default)
    return {bool: lambda: not default, int: lambda: default + 1, float: lambda: 0.25, str: lambda: "other"}[hint]()


@pytest.mark.parametrize(("section", "name", "hint", "default"), SETTINGS)
def test_every_setting_is_a_flag_that_wins_over_the_file(
    tmp_path: Path, section: str, name: str, hint: Any, default: Any
) -> None:
    value, flag = other_value(name, hint, default), f"--{name.replace('_', '-')}"
    given = [flag, str(value)]
    if isinstance(value, bool):
        given = [flag if value else f"--no-{flag[2:]}"]
    path = tmp_path / "mine.toml"
    literal = {"True": "true", "False": "false"}.get(str(default), repr(default))
    path.write_text(f"[{section}]\n{name} = {literal}\n[[corpora]]\ndataset = 'gmb'\n", encoding="utf-8")
    assert getattr(getattr(configuration("--config", str(path)), section), name) == default
    assert getattr(getattr(configuration("--config", str(path), *given), section), name) == value


@pytest.mark.parametrize("key", ["name", "description", "language", "licence"])
def test_every_word_about_the_model_is_a_flag(key: str) -> None:
    assert getattr(configuration("--dataset", "gmb", f"--{key}", "words"), key) == "words"


def test_datasets_add_up() -> None:
    found = configuration("--dataset", "gmb", "--dataset", "wnut17", "--map", "per=PER,tim=O,art=?")
    renamed = {"per": "PER", "tim": "O", "art": "?"}
    assert found.corpora == (CorpusConfig("gmb", map=renamed), CorpusConfig("wnut17", map=renamed))


def test_files_of_ones_own_are_one_corpus() -> None:
    found = configuration("--train", "a.conll", "--dev", "b.conll", "--test", "c.conll", "--labels", "PER,LOC")
    assert found.corpora == (CorpusConfig(train="a.conll", dev="b.conll", test="c.conll"),)
    assert found.labels == ("PER", "LOC")


def test_a_file_of_ones_own_is_divided_and_read_as_the_flags_say() -> None:
    found = configuration("--train", "a.jsonl", "--split", "80/20", "--split-seed", "7", "--annotator", "Ann")
    assert found.corpora == (CorpusConfig(train="a.jsonl", split="80/20", split_seed=7, annotator="Ann"),)
    assert found.corpora[0].shares == {"train": 80.0, "dev": 20.0}


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0)])
def test_a_time_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    assert configuration("--dataset", "gmb", "--time", text).training.seconds == seconds


def test_corpora_given_take_the_place_of_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[[corpora]]\ndataset = 'gmb'\n", encoding="utf-8")
    found = configuration("--config", str(tmp_path / "mine.toml"), "--dataset", "wnut17")
    assert [corpus.dataset for corpus in found.corpora] == ["wnut17"]


def test_a_model_is_called_after_its_output_unless_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("name = 'file'\n[[corpora]]\ndataset = 'gmb'\n", encoding="utf-8")
    assert configuration("--dataset", "gmb").name == "mine"
    assert configuration("--config", str(tmp_path / "mine.toml")).name == "file"
    assert configuration("--config", str(tmp_path / "mine.toml"), "--name", "flag").name == "flag"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ([], ["no corpus"]),
        (["--train", "a"], ["a", "dev file", "--split 80/10/10"]),
        (["--train", "a", "--split", "80"], ["split: '80' is not the shares of train, dev and test"]),
        (["--train", "a", "--split", "80/0/20"], ["split: '80/0/20' is not"]),
        (["--train", "a", "--split", "70/10/10/10"], ["split: '70/10/10/10' is not"]),
        (["--train", "a", "--dev", "b", "--split", "80/20"], ["b stands beside a, out of which it is to be taken"]),
        (["--train", "a", "--test", "c", "--split", "80/10/10"], ["c stands beside a"]),
        (["--dataset", "gmb", "--split", "80/20"], ["--split needs --train"]),
        (["--dataset", "gmb", "--offsets", "utf16"], ["--offsets needs --train"]),
        (["--dataset", "gmb", "--time", "10"], ["time: '10' is not a time such as 90s, 10m or 1.5h"]),
        (["--dataset", "gmb", "--time", "0m"], ["time: '0m' is not a time"]),
        (["--dev", "b"], ["b", "train file"]),
        (["--dataset", "gmb", "--train", "a", "--dev", "b"], ["--dataset", "exclude"]),
        (["--dataset", "gmb", "--test", "c"], ["--dataset", "exclude"]),
        (["--map", "a=b"], ["--map"]),
        (["--dataset", "gmb", "--epochs", "0"], ["epochs is 0"]),
        (["--dataset", "gmb", "--labels", "PER,PER"], ["labels: PER is there twice"]),
    ],
)
def test_flags_that_contradict_each_other_are_refused_in_one_line(arguments: list[str], facts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration(*arguments)
    message = str(caught.value)
    assert message.startswith("command line: ")
    assert "\n" not in message
    assert all(fact in message for fact in facts), message


@pytest.mark.parametrize(
    "arguments",
    [
        ["--epoch", "3"],  # no abbreviations: `command` would not know them
        ["--epochs", "three"],
        ["--cell", "lstn"],
        ["--threads", "0"],
        ["--folds", "1"],
        ["--offsets", "letters"],
        ["--map", "a"],
        ["--map", "a=b=c"],
        ["--map", "=b"],
        ["--labels", "PER,,LOC"],
        ["--device", "tpu"],
    ],
)
def test_a_command_line_without_sense_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        configuration("--dataset", "gmb", *arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["--dataset", "gmb", "--output", "a.pt"], "--dataset gmb --output a.pt"),
        (["--data-dir", "/home/me", "--dataset", "gmb", "--output", "a.pt"], "--dataset gmb --output a.pt"),
        (["--output=a.pt", "--threads=2", "--device", "cuda", "--restart"], "--output=a.pt"),
        (["--output", "my model.pt"], "--output 'my model.pt'"),
    ],
)
def test_the_command_for_the_card_leaves_out_what_is_each_machines_own(arguments: list[str], command: str) -> None:
    assert train_options.command(arguments) == f"nerve train {command}"

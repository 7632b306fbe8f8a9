"""The documents against the code: links, paths, commands, tables of settings, examples of files."""

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import (
    ablation,
    accuracy,
    bulk,
    datelines,
    distributed,
    frontier,
    gpu,
    http,
    politics,
    sizing,
    tagger,
    thresholds,
    train,
    workers,
)
from bench import context as context_bench
from bench import languages as language_bench
from bench import suggest as bench_suggest
from bench.faults import rollout, soak, texts
from nerve import __version__
from nerve.cli import convert, data, errors_options, suggest_options, tag_options, thresholds_options
from nerve.model.config import TaggerConfig
from nerve.service.settings import BUNDLED_MODELS, Settings, flag, read_settings, variable
from nerve.training import config, evaluate_options, train_options
from nerve.training.config import TrainingConfig, settings_of
from nerve.training.data import datasets
from nerve.training.data.formats import read
from recipes import (
    build,
    cards,
    chinese,
    chinese_words,
    cooccurrence,
    english,
    language_templates,
    languages,
    templates,
    traditional,
    vectors,
    wikipedia,
)
from tests.support.documents import DOCUMENTS, ROOT, anchors, blocks, commands, links, prose, table

TRAINING = ROOT / "docs" / "training.md"
HTTP_API = ROOT / "docs" / "http-api.md"
FOLDERS = (
    "bench", "bulk", "cli", "deploy", "docs", "model", "models", "nerve", "patterns", "recipes", "scripts", "service",
    "tests", "training",
)  # fmt: skip


# The commands that read texts or annotated files, with the parser of each.
READERS: dict[str, Callable[[list[str]], object]] = {
    **{"tag": tag_options.parse, "data": data.parse, "convert": convert.parse, "errors": errors_options.parse},
    **{"suggest": suggest_options.parse, "thresholds": thresholds_options.parse},
}


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(document: Path) -> None:
    broken = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, pages = set(), [ROOT / "README.md"]
    while pages:
        page = pages.pop()
        if page not in reached:
            reached.add(page)
            linked = ((page.parent / link.partition("#")[0]).resolve() for link in links(page))
            pages += [path for path in linked if path.suffix == ".md"]
    assert set(DOCUMENTS) - reached == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_line_of_prose_is_longer_than_120_characters(document: Path) -> None:
    lines = prose(document).splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith(("|", "    "))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_path_that_is_named_exists(document: Path) -> None:
    """The paths between backticks, except in the changelog, which also names those of older versions."""
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", prose(document))
    if document.name != "CHANGELOG.md":
        assert [path for path in named if not (ROOT / path).exists()] == []


def shown_commands() -> set[str]:
    return {command for document in DOCUMENTS for command in commands(document)}


def python_commands() -> list[str]:
    return sorted(command for command in shown_commands() if re.match(r"(\S+/)?python -m (?!venv)", command))


def training_commands() -> list[str]:
    """The arguments of each `nerve train` and `nerve evaluate`, also through make and torchrun."""
    through_make = re.compile(r'make train ARGS="(.+)"')
    shown = {through_make.sub(r"nerve train \1", command) for command in shown_commands()}
    matches = (
        re.search(r"(?:(?:^|/bin/)nerve |-m nerve\.training\.)((?:train|evaluate) .+)", command) for command in shown
    )
    return sorted(match[1] for match in matches if match)


@pytest.mark.parametrize("command", training_commands())
def test_every_training_command_is_accepted(command: str) -> None:
    name, *arguments = shlex.split(command)
    if name == "train":
        assert train_options.configuration(train_options.parse(with_known_file(arguments)))
    else:
        assert evaluate_options.parse(arguments)


def data_commands() -> list[str]:
    """The arguments of each command that reads texts or annotated files, without where its output goes."""
    shown = (re.search(rf"(?:^|/bin/)nerve ((?:{'|'.join(READERS)}) .+)", command) for command in shown_commands())
    return sorted(re.split(r" [|>&]|  ", match[1])[0] for match in shown if match and "…" not in match[1])


@pytest.mark.parametrize("command", data_commands())
def test_every_command_that_reads_data_is_accepted(command: str) -> None:
    name, *arguments = shlex.split(command)
    assert READERS[name](arguments)


@pytest.mark.parametrize("command", python_commands())
def test_every_python_command_is_accepted_by_its_program(command: str) -> None:
    words = shlex.split(command.partition("python -m ")[2])
    module, arguments = words[0], words[1:]
    assert importlib.util.find_spec(module) is not None
    if not arguments:
        return  # the name of a program
    parsers: dict[str, Callable[[], object]] = {
        "recipes.build": lambda: build.parse(arguments),
        "recipes.cards": lambda: cards.parse(arguments),
        "recipes.chinese": lambda: chinese.parse(arguments),
        "recipes.english": lambda: english.parse(arguments),
        "recipes.wikipedia": lambda: wikipedia.parse(arguments),
        "recipes.vectors": lambda: vectors.parse(arguments),
        "recipes.chinese_words": lambda: chinese_words.parse(arguments),
        "recipes.cooccurrence": lambda: cooccurrence.parse(arguments),
        "recipes.language_templates": lambda: language_templates.parse(arguments),
        "recipes.languages": lambda: languages.parse(arguments),
        "recipes.templates": lambda: templates.parse(arguments),
        "recipes.traditional": lambda: traditional.parse(arguments),
        "bench.context": lambda: context_bench.parse(arguments),
        "bench.bulk": lambda: bulk.parse(arguments),
        "bench.faults.rollout": lambda: rollout.parse(arguments),
        "bench.faults.soak": lambda: soak.parse(arguments),
        "bench.faults.texts": lambda: texts.parse(arguments),
        "bench.datelines": lambda: datelines.parse(arguments),
        "bench.ablation": lambda: ablation.parse(arguments),
        "bench.accuracy": lambda: accuracy.parse(arguments),
        "bench.frontier": lambda: frontier.parse(arguments),
        "bench.distributed": lambda: distributed.parse(arguments),
        "bench.gpu": lambda: gpu.parse(arguments),
        "bench.languages": lambda: language_bench.parse(arguments),
        "bench.sizing": lambda: sizing.parse(arguments),
        "bench.thresholds": lambda: thresholds.parse(arguments),
        "bench.http": lambda: http.parse(arguments),
        "bench.suggest": lambda: bench_suggest.parse(arguments),
        "bench.politics": lambda: politics.parse(arguments),
        "bench.tagger": lambda: tagger.parse(arguments),
        "bench.train": lambda: train.parse(arguments),
        "bench.workers": lambda: workers.parse(arguments),
        "nerve.service": lambda: read_settings(arguments),
    }
    if module in ("nerve.model.archive", "nerve.service.openapi", "bench.start"):
        assert len(arguments) == 1
    else:
        assert parsers[module]() is not None


def with_known_file(arguments: list[str]) -> list[str]:
    """Put the bundled model's configuration in place of the one that the reader is told to write."""
    return [str(ROOT / "recipes" / "en" / "en.toml") if word == "mine.toml" else word for word in arguments]


def plain(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


@pytest.mark.parametrize(("kind", "section"), [(TrainingConfig, "training"), (TaggerConfig, "tagger")])
def test_every_setting_of_a_training_is_documented_with_its_default(kind: type, section: str) -> None:
    text = TRAINING.read_text(encoding="utf-8").partition(f"`[{section}]`:")[2]
    documented = {key: default.strip('"') for key, default, _ in table(text, "key")}
    assert documented == {name: plain(setting.default) for name, setting in settings_of(kind).items()}


def test_every_setting_of_the_service_is_documented_with_its_default() -> None:
    rows = table(HTTP_API.read_text(encoding="utf-8"), "variable")
    documented = {variable: (flag, re.sub(r"(?<=\d),(?=\d)", "", default)) for variable, flag, default, _ in rows}
    expected = {}
    for name, field in Settings.model_fields.items():
        bundled = ":".join(str(path.relative_to(ROOT)) for path in BUNDLED_MODELS)
        expected[variable(name)] = (flag(name), bundled if name == "models" else plain(field.default))
    assert documented == expected


def test_every_public_corpus_is_documented() -> None:
    text = TRAINING.read_text(encoding="utf-8")
    assert [name for name in datasets.names() if name.removeprefix("crossner") not in text] == []


def test_all_examples_of_file_formats_hold_the_same_names(tmp_path: Path) -> None:
    examples = [(block.language, block.content) for block in blocks(TRAINING) if block.language in ("jsonl", "conll")]
    assert [language for language, _ in examples] == ["jsonl"] * 4 + ["conll"]
    corpora = []
    for number, (language, content) in enumerate(examples):
        path = tmp_path / f"{number}.{language}"
        path.write_text(content, encoding="utf-8")
        corpora.append(read(path))
    assert all(sentences == corpora[0] for sentences in corpora)
    assert corpora[0][0].tags == ("B-PER", "I-PER", "O", "O", "B-LOC", "O")


def test_the_example_of_a_configuration_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    (block,) = blocks(TRAINING, "toml")
    path.write_text(block.content, encoding="utf-8")
    assert [corpus.name for corpus in config.read(path, {}, []).corpora] == ["wnut17", "my.train"]


def test_the_changelog_is_about_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    latest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert latest.startswith(__version__)
    assert project["version"] == __version__

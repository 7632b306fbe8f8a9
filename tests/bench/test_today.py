"""The texts of today, which `nerve evaluate` scores: each is there once, and the READMEs say what it prints."""

import json
import re
from typing import Any

import pytest

from nerve.training import evaluate
from tests.support.documents import ROOT

TEXTS = {"en": "bench/today.jsonl", "zh": "bench/today_zh.jsonl"}
TEMPLATES = {"en": "recipes/en/sentences.txt", "zh": "recipes/zh/templates.toml"}


def texts(model: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / TEXTS[model]).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("model", TEXTS)
def test_no_text_is_there_twice(model: str) -> None:
    found = [text["text"] for text in texts(model)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("model", TEXTS)
def test_no_sentence_of_the_templates_is_a_text(model: str) -> None:
    lines = (ROOT / TEMPLATES[model]).read_text(encoding="utf-8").splitlines()
    assert not {text["text"] for text in texts(model)} & set(lines)


@pytest.mark.parametrize("model", TEXTS)
def test_the_readme_says_what_the_command_prints(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / f"recipes/{model}/README.md").read_text(encoding="utf-8")
    assert f"nerve evaluate {model} --file {TEXTS[model]}" in readme
    assert evaluate.main([model, "--file", str(ROOT / TEXTS[model])]) == 0
    printed = re.findall(r"micro F1 ([\d.]+)$|^ +([A-Z]+) +[\d.]+ +[\d.]+ +([\d.]+)", capsys.readouterr().out, re.M)
    figures = {
        f"micro F1 of {float(micro):.1f}" if micro else f"{label} {100 * float(f1):.1f}"
        for micro, label, f1 in printed
    }
    assert len(figures) == 1 + len({span[2] for text in texts(model) for span in text["label"]})
    assert {figure for figure in figures if figure not in readme} == set()

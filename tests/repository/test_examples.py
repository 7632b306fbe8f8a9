"""The examples of the documents, run against a real service: they print what is written there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tests.repository.conftest import Service
from tests.support import loopback
from tests.support.browser import chromium, missing
from tests.support.clone import clean_environment
from tests.support.documents import ROOT, blocks, exchanges, programs, shell_lines, table

README = ROOT / "README.md"
QUICKSTART, HTTP_API, OPERATIONS, CLIENTS, ANNOTATION = (
    ROOT / "docs" / f"{name}.md" for name in ("quickstart", "http-api", "operations", "clients", "annotation")
)
DOCUMENTED_ADDRESS = "127.0.0.1:8000"
# Every warning is an error, except the one that pyproject.toml excepts.
WARNINGS = ("-W", "error", "-W", "ignore:`torch.jit:DeprecationWarning")
# Scores differ in their last digits between processors.
TOLERANCE = 1e-3
NUMBER = re.compile(r"\d+\.\d+")
# Runs a program in a page as node would, and returns what it prints.
IN_A_PAGE = """
const [program, done] = arguments;
const lines = [];
const console = { log: (...words) => lines.push(words.join(" ") + "\\n") };
new (async () => {}).constructor("console", program)(console).then(() => done(lines.join("")), done);
"""


def shell(command: str, folder: Path | None = None) -> str:
    """What a shell command prints; it must succeed."""
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=True, cwd=folder)
    return ended.stdout


class Answer:
    """The JSON of a body, or of each of its lines, without its scores, and the scores."""

    def __init__(self, body: str) -> None:
        self.scores: list[float] = []
        self.content = self._contents(body)

    def _contents(self, body: str) -> list[Any]:
        for parts in ([body], body.splitlines()):
            try:
                return [self._read(part) for part in parts]
            except json.JSONDecodeError:
                self.scores.clear()
        return [body]

    def _read(self, body: str) -> Any:
        return json.loads(body, object_hook=self._without_score)

    def _without_score(self, value: dict[str, Any]) -> dict[str, Any]:
        if "score" in value:
            self.scores.append(value.pop("score"))
        if "data" in value:  # the elements of a tensor are JSON themselves
            value["data"] = [self._read(element) for element in value["data"]]
        return value


@pytest.mark.parametrize(
    ("command", "documented"),
    [
        exchange
        for document in (README, QUICKSTART, HTTP_API, CLIENTS, ANNOTATION)
        for exchange in exchanges(document)
    ],
)
def test_a_curl_prints_the_documented_answer(service: Service, command: str, documented: str) -> None:
    printed = shell(command.replace(DOCUMENTED_ADDRESS, service.address))
    actual, expected = Answer(printed), Answer(documented)
    assert actual.content == expected.content, f"the answer is {printed}"
    assert actual.scores == pytest.approx(expected.scores, abs=TOLERANCE)


@pytest.mark.parametrize("command", [line for line in shell_lines(OPERATIONS) if line.startswith("curl")])
def test_a_curl_of_the_operations_page_succeeds(service: Service, command: str) -> None:
    command = command.replace(DOCUMENTED_ADDRESS, service.address).replace("curl -s", "curl -sS --fail-with-body")
    assert json.loads(shell(command))["model"] == "en"


@pytest.mark.parametrize(
    ("program", "expected"),
    [example for document in (README, QUICKSTART, CLIENTS, ANNOTATION) for example in programs(document)],
)
def test_a_python_program_prints_the_documented_text(service: Service, program: str, expected: str) -> None:
    ended = subprocess.run(
        [sys.executable, *WARNINGS, "-c", program.replace(DOCUMENTED_ADDRESS, service.address)],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean_environment(),
        check=False,
    )
    assert (ended.stderr, NUMBER.sub("#", ended.stdout)) == ("", NUMBER.sub("#", expected))
    assert numbers(ended.stdout) == pytest.approx(numbers(expected), abs=TOLERANCE)


def numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


@pytest.mark.parametrize(("program", "expected"), programs(QUICKSTART, "js"))
def test_a_javascript_program_prints_the_documented_text(
    service: Service, tmp_path: Path, program: str, expected: str
) -> None:
    program = program.replace(DOCUMENTED_ADDRESS, service.address)
    if shutil.which("node"):
        command = ["node", "--input-type=module", "--eval", program]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    elif not missing():
        with chromium(tmp_path) as browser:
            browser.get(f"http://{service.address}/")
            browser.set_script_timeout(60)
            printed = browser.execute_async_script(IN_A_PAGE, program)
    else:
        pytest.skip("there is neither node nor a browser")
    assert printed == expected


def test_the_commands_for_a_long_stream_answer_each_line(service: Service, tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"text": "Obama met Biden."}\n' * 1_000, encoding="utf-8")
    shown = [line for line in shell_lines(HTTP_API) if "corpus.jsonl" in line]
    assert len(shown) == 2
    for command in shown:
        printed = shell(command.replace(DOCUMENTED_ADDRESS, service.address), tmp_path)
        assert [len(json.loads(line)["ents"]) for line in printed.splitlines()] == [2] * 1_000, command


def test_doccano_gets_spans_from_the_documented_settings(service: Service) -> None:
    """Does what doccano's auto-labelling does: a value of the body becomes the text, the answer the template's
    `input`."""
    rows = [(row[0], row[1]) for row in table(ANNOTATION.read_text(encoding="utf-8"), "field")]
    (url,) = (value for field, value in rows if field == "Url")
    settings = dict(value.split(": ", 1) for field, value in rows if field == "Body")
    text = "😀 Tim Cook flew to Paris."
    body = {key: text if value == "{{ text }}" else value for key, value in settings.items()}
    answer = loopback.post(url.replace(DOCUMENTED_ADDRESS, service.address), json=body).json()
    (block,) = blocks(ANNOTATION, "jinja")
    template = jinja2.Template(block.content)
    labels = json.loads(template.render(input=answer))
    (documented,) = (block for block in blocks(ANNOTATION, "json") if "start_offset" in block.content)
    assert labels == json.loads(documented.content)
    units = text.encode("utf-16-le")
    names = [units[2 * one["start_offset"] : 2 * one["end_offset"]].decode("utf-16-le") for one in labels]
    assert names == ["Tim Cook", "Paris"]
    assert json.loads(template.render(input={**answer, "ents": []})) == []


def test_the_documented_project_of_label_studio_is_accepted(service: Service) -> None:
    (labelling,) = blocks(ANNOTATION, "xml")
    body = {"project": "1.1763800000", "schema": labelling.content}
    answer = loopback.post(f"http://{service.address}/setup", json=body)
    assert (answer.status_code, list(answer.json())) == (200, ["model_version"])


def test_every_client_has_a_program_and_a_curl() -> None:
    sections = CLIENTS.read_text(encoding="utf-8").split("\n## ")[1:]
    shown = [(section.count("\n```python\n"), section.count("\n```sh\ncurl ")) for section in sections]
    assert [(count, bool(curls)) for count, curls in shown] == [(1, True)] * len(sections)
    assert sum(count for count, _ in shown) == len(programs(CLIENTS))
    assert sum(curls for _, curls in shown) == len(exchanges(CLIENTS))

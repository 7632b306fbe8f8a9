"""The README's commands and the documents' curls, executed: what they print is what is written there."""

import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest

from tests.support.browser import chromium, missing
from tests.support.clone import Clone, clean_environment
from tests.support.documents import ROOT, blocks, commands, exchanges, table

README = ROOT / "README.md"
CLIENTS = ROOT / "docs" / "clients.md"
QUICKSTART = ROOT / "docs" / "quickstart.md"
ANNOTATION = ROOT / "docs" / "annotation.md"
DOCUMENTED_ADDRESS = "127.0.0.1:8000"
READY_SECONDS = 60

# Files of one's own as small as they can be, and a network to match.
RECORDS = """\
{"text": "Ada Lovelace wrote to London.", "label": [[0, 12, "PER"], [22, 28, "LOC"]]}
{"text": "Nothing is named here.", "label": []}
"""
TINY = (
    "--epochs 1 --epoch-steps 1 --hidden-size 4 --word-size 4 --affix-size 2 --character-size 4 --character-filters 4"
)
# What a page's script prints, as that of node does.
IN_A_PAGE = """
const [program, done] = arguments;
const lines = [];
const console = { log: (...words) => lines.push(words.join(" ") + "\\n") };
new (async () => {}).constructor("console", program)(console).then(() => done(lines.join("")), done);
"""
ORIGINALS = Path(os.environ.get("NERVE_ORIGINALS", ROOT.parent / "shared" / "data" / "originals"))


def command_with(document: Path, *words: str) -> str:
    """The one command in a document's `sh` blocks that has all these words."""
    lines = [line for block in blocks(document, "sh") for line in block.content.splitlines()]
    found = [line for line in lines if all(word in line for word in words)]
    assert len(found) == 1, found
    return found[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The README's `make serve` in a clone, on a free port: the line that it prints, and its URL."""
    port = free_port()
    process = Clone(tmp_path_factory.mktemp("serve")).start(command_with(README, "make serve"), PORT=str(port))
    try:
        yield first_line(process), f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(READY_SECONDS), "make serve printed nothing"
    return process.stdout.readline() or process.stderr.read()


def test_make_serve_says_in_one_line_where_page_and_api_are(service: tuple[str, str]) -> None:
    line, url = service
    assert f"{url}/ " in line
    assert f"{url}/v1/entities" in line


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        exchange
        for document in (README, QUICKSTART, ROOT / "docs" / "http-api.md", CLIENTS, ANNOTATION)
        for exchange in exchanges(document)
    ],
)
def test_a_documented_curl_gives_the_documented_answer(service: tuple[str, str], command: str, answer: str) -> None:
    asked = subprocess.run(
        ["sh", "-c", command.replace(DOCUMENTED_ADDRESS, address(service[1]))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    printed, documented = Answer(asked.stdout), Answer(answer)
    assert printed.content == documented.content, f"the answer is {asked.stdout}"
    # The last digits are a matter of the processor.
    assert printed.scores == pytest.approx(documented.scores, abs=1e-3)


@pytest.mark.parametrize(
    "command",
    [
        line
        for block in blocks(ROOT / "docs" / "operations.md", "sh")
        for line in block.content.splitlines()
        if line.startswith("curl")
    ],
)
def test_a_documented_curl_of_operations_succeeds(service: tuple[str, str], command: str) -> None:
    command = command.replace(DOCUMENTED_ADDRESS, address(service[1])).replace("curl -s", "curl -sS --fail-with-body")
    asked = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(asked.stdout)["model"] == "en"


def address(url: str) -> str:
    return url.removeprefix("http://")


class Answer:
    """A body's JSON, or that of each of its lines, and apart from it the scores that it holds."""

    def __init__(self, body: str) -> None:
        self.scores: list[float] = []
        self.content = self._contents(body)

    def _contents(self, body: str) -> list[Any]:
        """Of a body that is neither JSON nor lines of it, the text."""
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
        # The elements of a tensor are documents of their own.
        if "data" in value:
            value["data"] = [self._read(element) for element in value["data"]]
        return value


def programs(document: Path, language: str = "python") -> list[tuple[str, str]]:
    """The programs of a document, each with the text block that follows it as what it prints."""
    return [
        (program.content, printed.content)
        for program, printed in pairwise(blocks(document))
        if program.language == language and printed.language == "text"
    ]


@pytest.mark.parametrize(
    ("program", "expected"),
    [found for document in (QUICKSTART, CLIENTS, ANNOTATION) for found in programs(document)],
)
def test_a_documented_program_prints_what_is_documented(
    service: tuple[str, str], program: str, expected: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program.replace(DOCUMENTED_ADDRESS, address(service[1]))],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean_environment(),
        check=False,
    )
    number = re.compile(r"\d+\.\d+")
    assert (ended.stderr, number.sub("#", ended.stdout)) == ("", number.sub("#", expected))
    assert list(map(float, number.findall(ended.stdout))) == pytest.approx(
        list(map(float, number.findall(expected))), abs=1e-3
    )


@pytest.mark.parametrize(("program", "expected"), programs(QUICKSTART, "js"))
def test_a_documented_program_in_javascript_prints_what_is_documented(
    service: tuple[str, str], tmp_path: Path, program: str, expected: str
) -> None:
    program = program.replace(DOCUMENTED_ADDRESS, address(service[1]))
    if shutil.which("node"):
        command = ["node", "--input-type=module", "--eval", program]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    elif not missing():
        with chromium(tmp_path) as browser:
            browser.get(f"{service[1]}/")
            browser.set_script_timeout(60)
            printed = browser.execute_async_script(IN_A_PAGE, program)
    else:
        pytest.skip("there is neither node nor a browser")
    assert printed == expected


def test_doccano_gets_spans_from_the_documented_settings(service: tuple[str, str]) -> None:
    """As its auto-labelling does: a value of the body becomes the text, the answer is the template's `input`."""
    text = ANNOTATION.read_text(encoding="utf-8")
    rows = [(row[0], row[1]) for row in table(text, "field")]
    (url,) = (value for field, value in rows if field == "Url")
    body = dict(value.split(": ", 1) for field, value in rows if field == "Body")
    asked = "😀 Tim Cook flew to Paris."
    body = {key: asked if value == "{{ text }}" else value for key, value in body.items()}
    answer = httpx.post(url.replace(DOCUMENTED_ADDRESS, address(service[1])), json=body, trust_env=False).json()
    (template,) = blocks(ANNOTATION, "jinja")
    labels = json.loads(jinja2.Template(template.content).render(input=answer))
    (documented,) = (block for block in blocks(ANNOTATION, "json") if "start_offset" in block.content)
    assert labels == json.loads(documented.content)
    assert all(
        (type(one["label"]), type(one["start_offset"]), type(one["end_offset"]), len(one)) == (str, int, int, 3)
        for one in labels
    )
    units = asked.encode("utf-16-le")
    found = [units[2 * one["start_offset"] : 2 * one["end_offset"]].decode("utf-16-le") for one in labels]
    assert found == ["Tim Cook", "Paris"]
    assert json.loads(jinja2.Template(template.content).render(input={**answer, "ents": []})) == []


def test_the_documented_project_of_label_studio_can_be_answered_for(service: tuple[str, str]) -> None:
    (labelling,) = blocks(ANNOTATION, "xml")
    asked = {"project": "1.1763800000", "schema": labelling.content}
    answer = httpx.post(f"{service[1]}/setup", json=asked, trust_env=False)
    assert (answer.status_code, list(answer.json())) == (200, ["model_version"])


def test_every_client_is_shown_as_a_program_and_as_a_curl() -> None:
    sections = CLIENTS.read_text(encoding="utf-8").split("\n## ")[1:]
    shown = [(section.count("\n```python\n"), section.count("\n```sh\ncurl ")) for section in sections]
    assert [(count, bool(curls)) for count, curls in shown] == [(1, True)] * len(sections)
    assert sum(count for count, _ in shown) == len(programs(CLIENTS))
    assert sum(curls for _, curls in shown) == len(exchanges(CLIENTS))


def test_the_documented_commands_for_a_long_stream_answer_each_line(service: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"text": "Obama met Biden."}\n' * 1_000, encoding="utf-8")
    (block,) = [block for block in blocks(ROOT / "docs" / "http-api.md", "sh") if "corpus.jsonl" in block.content]
    for command in block.content.splitlines():
        answered = subprocess.run(
            ["sh", "-c", command.replace(DOCUMENTED_ADDRESS, address(service[1]))],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert [len(json.loads(line)["ents"]) for line in answered.stdout.splitlines()] == [2] * 1_000, command


@pytest.mark.usefixtures("service")
def test_a_second_make_serve_installs_nothing(clone: Clone) -> None:
    recipes = clone.run("make --dry-run serve").stdout
    assert "-m nerve.service" in recipes
    assert "pip" not in recipes


def assert_refused(ended: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """One line of ours says why; below it make names the recipe that failed."""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert ended.returncode != 0
    assert (ended.stdout, len(lines)) == ("", 1), ended
    assert all(word in lines[0] for word in words), lines[0]


def test_make_serve_with_a_taken_port_is_one_line(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert_refused(clone.run(f"make serve PORT={port}"), str(port), "in use")


def test_make_serve_with_a_missing_model_is_one_line(clone: Clone) -> None:
    assert_refused(clone.run(f"make serve PORT={free_port()} MODEL=nowhere.pt"), "nowhere.pt")


def test_make_serve_with_a_wrong_python_is_one_line(clone: Clone) -> None:
    assert_refused(clone.run("make serve PYTHON=false"), "needs Python 3.11 to 3.13")


def test_the_training_on_files_of_ones_own_leaves_archive_card_and_pictures(clone: Clone) -> None:
    for split in ("train", "dev"):
        (clone.folder / f"my.{split}.jsonl").write_text(RECORDS, encoding="utf-8")
    command = command_with(README, "make train", "--train")
    ended = clone.run(re.sub('"$', f' {TINY}"', command))
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in clone.folder.glob("mine.*")} == {
        "mine.pt",
        "mine.md",
        "mine.curve.png",
        "mine.confusion.png",
        "mine.reliability.png",
    }


@pytest.mark.skipif(not (ORIGINALS / "wnut17").is_dir(), reason="the published files of wnut17 are not here")
def test_the_training_on_a_public_corpus_leaves_an_archive(clone: Clone) -> None:
    command = command_with(README, "make train", "--dataset")
    ended = clone.run(re.sub('"$', f' --data-dir {ORIGINALS} {TINY} --batch-size 256"', command))
    assert ended.returncode == 0, ended.stderr
    assert (clone.folder / "wnut17.pt").is_file()


def test_every_command_of_the_readme_is_known_here() -> None:
    # A new one needs a test above; docker's are checked with the Dockerfile.
    known = ("make serve", "make train", "make test", "make help", "curl", "docker build", "docker run")
    known += (".venv/bin/nerve tag letters.txt",)  # tests/cli/test_documents.py
    shown = [line for block in blocks(README, "sh") for line in block.content.splitlines()]
    shown += [command for command in commands(README) if command.startswith("make ")]
    assert [command for command in shown if not command.startswith(known)] == []


def test_the_readme_promises_nothing_that_is_still_to_be_filled_in() -> None:
    for document in (README, ROOT / "docs" / "http-api.md", CLIENTS):
        assert re.findall(r"TODO-\w+", document.read_text(encoding="utf-8")) == []

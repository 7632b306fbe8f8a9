"""`nerve tag`: every format of input and output, against what the recognizer finds."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nerve import Entity, Result
from nerve.cli.errors import CommandError
from nerve.cli.progress import Progress
from nerve.cli.records import format_of, reader
from nerve.cli.writers import writer
from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from nerve.model.tags import spans_of
from nerve.tagger import BATCH_SIZE
from tests.support.shell import command, environment, on_terminal

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

TEXTS = ["Angela Merkel visited the city of New York on Monday.", "", "  \t", "München 😀 in 2005, Angela!", "x"]


@pytest.fixture
def recognizer(archive_path: Path) -> Recognizer:
    return Recognizer(load(archive_path))


def ents(entities: list[Entity]) -> list[dict[str, Any]]:
    return [
        {"start": e.start, "end": e.end, "label": e.label, "text": e.text, "score": pytest.approx(e.score, abs=1e-4)}
        for e in entities
    ]


def results(recognizer: Recognizer, texts: list[str]) -> list[dict[str, Any]]:
    return [
        {"text": text, "ents": ents(found)} for text, found in zip(texts, recognizer.recognize(texts), strict=True)
    ]


def lines(ended: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_each_line_of_a_text_becomes_one_json_line(nerve: Nerve, archive_path: Path, recognizer: Recognizer) -> None:
    expected = results(recognizer, TEXTS)
    assert any(one["ents"] for one in expected), "or nothing is compared"
    given = b"\xef\xbb\xbf" + "\r\n".join(TEXTS).encode()
    assert lines(nerve("tag", "--model", str(archive_path), given=given)) == expected


def test_a_file_is_read_like_a_stream(
    nerve: Nerve, archive_path: Path, recognizer: Recognizer, tmp_path: Path
) -> None:
    (tmp_path / "letters.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    found = lines(nerve("tag", "letters.txt", "--model", str(archive_path)))
    assert found == results(recognizer, TEXTS)


@pytest.mark.parametrize(
    ("unit", "texts"),
    [("paragraph", ["Angela\nMerkel visited", "New York"]), ("file", ["\nAngela\nMerkel visited\n\n \nNew York"])],
)
def test_a_text_may_be_a_paragraph_or_the_file(
    nerve: Nerve, archive_path: Path, recognizer: Recognizer, unit: str, texts: list[str]
) -> None:
    given = "\nAngela\nMerkel visited\n\n \nNew York\n"
    found = lines(nerve("tag", "-", "--model", str(archive_path), "--unit", unit, given=given))
    assert found == results(recognizer, texts)


def test_json_lines_keep_their_other_fields(nerve: Nerve, archive_path: Path, recognizer: Recognizer) -> None:
    given = '{"id": 7, "body": "Angela Merkel"}\n\n{"body": "München", "meta": {"a": ["\\ud800"]}, "text": 1}\n'
    flags = ("--from", "jsonl", "--text-field", "body", "--model", str(archive_path))
    first, second = results(recognizer, ["Angela Merkel", "München"])
    assert lines(nerve("tag", *flags, given=given)) == [{"id": 7, **first}, {"meta": {"a": ["\ud800"]}, **second}]


CONLL = "-DOCSTART- -X- O\n\nAngela NNP B-PER\nMerkel NNP I-PER\nsays NN O\n\n\nNew\tYork\nCity\n"


def test_columns_are_tagged_with_their_own_tokens(nerve: Nerve, archive_path: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens.conll").write_text(CONLL, encoding="utf-8")
    ended = nerve("tag", "tokens.conll", "--to", "conll", "--model", str(archive_path))
    assert (ended.returncode, ended.stderr) == (0, "")
    words = [["Angela", "Merkel", "says"], ["New", "City"]]
    expected = zip(words, load(archive_path).tags(words), strict=True)
    assert ended.stdout == "".join(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(sentence, tags, strict=True)) + "\n"
        for sentence, tags in expected
    )


def test_a_text_becomes_columns_whose_tags_are_its_entities(
    nerve: Nerve, archive_path: Path, recognizer: Recognizer
) -> None:
    text = "Angela Merkel visited New York. " * 60 + "word " * 600
    ended = nerve("tag", "--to", "conll", "--model", str(archive_path), given=text)
    blocks = [block.splitlines() for block in ended.stdout.split("\n\n") if block]
    pairs = [[line.split("\t") for line in block] for block in blocks]
    named = [
        (span.label, "".join(word for word, _ in block[span.start : span.end]))
        for block in pairs
        for span in spans_of([tag for _, tag in block])
    ]
    (entities,) = recognizer.recognize([text.rstrip("\n")])
    assert named == [(entity.label, entity.text.replace(" ", "")) for entity in entities]
    assert len(named) > 60


def test_marked_text_is_the_text_with_its_names_in_brackets(nerve: Nerve, archive_path: Path) -> None:
    text = TEXTS[0]
    (line,) = lines(nerve("tag", "--model", str(archive_path), given=text))
    ended = nerve("tag", "--to", "inline", "--model", str(archive_path), given=text)
    marked, shift = text, 0
    for ent in line["ents"]:
        name = f"[{ent['text']} {ent['label']}]"
        marked = marked[: ent["start"] + shift] + name + marked[ent["end"] + shift :]
        shift += len(name) - len(ent["text"])
    assert ended.stdout == marked + "\n"
    assert marked != text


def test_labels_and_min_score_choose(nerve: Nerve, archive_path: Path) -> None:
    given = "\n".join(TEXTS)
    (everything, chosen) = (
        lines(nerve("tag", "--model", str(archive_path), *flags, given=given))
        for flags in ((), ("--labels", "PER", "--min-score", "0.2"))
    )
    kept = [[e for e in one["ents"] if e["label"] == "PER" and e["score"] >= 0.2] for one in everything]
    assert [one["ents"] for one in chosen] == kept
    assert kept != [one["ents"] for one in everything]


def test_a_line_is_answered_before_the_next_is_read(archive_path: Path) -> None:
    with subprocess.Popen(
        command("tag", "--line-buffered", "--model", str(archive_path)),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("Angela", "Merkel"):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_stream_without_an_end_is_answered(archive_path: Path) -> None:
    # "yes" writes for ever, and head reads more than one batch.
    wanted = 2 * BATCH_SIZE
    tagging = " ".join(command("tag", "--model", str(archive_path)))
    ended = subprocess.run(
        ["bash", "-c", f"yes Ada Lovelace | {tagging} | head -{wanted} | wc -l"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert (int(ended.stdout), ended.stderr) == (wanted, "")


# -- terminals -----------------------------------------------------------------------------------------------------

CODES = "\033["


def test_on_a_terminal_names_are_in_colour(archive_path: Path) -> None:
    status, shown, rest = on_terminal(
        "tag", "--model", str(archive_path), given=TEXTS[0].encode(), stream="stdout"
    )  # fmt: skip
    assert (status, rest) == (0, "")
    assert CODES in shown
    assert "{" not in shown


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_color_is_respected(archive_path: Path, variables: dict[str, str]) -> None:
    _, shown, _ = on_terminal(
        "tag", "--model", str(archive_path), given=TEXTS[0].encode(), stream="stdout", **variables
    )
    assert CODES not in shown
    assert "[" in shown


def test_colours_can_be_forced_without_a_terminal(
    nerve: Nerve, archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    flags = ("--to", "inline", "--color", "always", "--model", str(archive_path))
    assert CODES in nerve("tag", *flags, given=TEXTS[0]).stdout


@pytest.mark.parametrize(("flags", "expected"), [((), True), (("--quiet",), False)])
def test_progress_is_shown_on_a_terminal_and_goes_away(
    archive_path: Path, tmp_path: Path, flags: tuple[str, ...], expected: bool
) -> None:
    path = tmp_path / "long.txt"
    path.write_text("Ada Lovelace wrote to London.\n" * 3_000, encoding="utf-8")
    status, shown, out = on_terminal(
        "tag", str(path), "--model", str(archive_path), *flags, given=b"", stream="stderr"
    )
    assert (status, len(out.splitlines())) == (0, 3_000)
    assert (("tokens/s" in shown), shown.endswith("\r\033[K")) == (expected, expected)


def test_progress_shows_the_share_of_a_file_and_the_counts_of_a_stream() -> None:
    progress = Progress(200, shown=False)
    progress.read(50)
    progress.tagged(1_000, 30_000)
    assert progress.line(2.0) == f"[{'#' * 6}{' ' * 18}]  25%  1,000 texts  30,000 tokens  15,000 tokens/s"
    assert Progress(0, shown=False).line(0.0) == "0 texts  0 tokens  0 tokens/s"


# -- formats -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.txt", "text"),
        ("standard input", "text"),
        ("a.jsonl", "jsonl"),
        ("A.NDJSON", "jsonl"),
        ("a.conll", "conll"),
        ("a.bio", "conll"),
        ("a", "text"),
        ("a.json", "text"),
    ],
)
def test_a_name_says_what_a_file_holds(name: str, form: str) -> None:
    assert format_of(name) == form


@pytest.mark.parametrize(
    ("form", "given", "fact"),
    [
        ("text", b"one\ntwo \xff\n", "in:2: byte 0xff is not UTF-8"),
        ("jsonl", b'{"text": "a"}\n{"text": SECRET}\n', "in:2: not JSON: Expecting value"),
        ("jsonl", b'["SECRET"]', "in:1: not an object whose field text is a string"),
        ("jsonl", b'{"body": "SECRET"}', "in:1: not an object whose field text is a string"),
        ("jsonl", b'{"text": 1}', "in:1: not an object whose field text is a string"),
        ("jsonl", rb'{"text": "SECRET \ud800"}', "in:1: text has a lone surrogate"),
        ("jsonl", b"[" * 100_000, "in:1: not JSON: nested too deeply"),
        ("jsonl", b"9" * 10_000, "in:1: not JSON: a number is too long"),
        ("jsonl", b'{"text": "\xff"}', "in:1: byte 0xff is not UTF-8"),
        ("conll", b"a\tO\n\tO\n", "in:2: the token is empty"),
    ],
)
def test_an_error_names_the_line_of_the_input_and_does_not_quote_it(form: str, given: bytes, fact: str) -> None:
    read = reader(form, "line", "text")
    with pytest.raises(CommandError) as refusal:
        list(read(given.splitlines(keepends=True), "in"))
    assert str(refusal.value) == fact


@pytest.mark.parametrize("flags", [(), ("--line-buffered",)])
def test_what_came_before_a_bad_line_is_written(nerve: Nerve, archive_path: Path, flags: tuple[str, ...]) -> None:
    ended = nerve("tag", "--from", "jsonl", *flags, "--model", str(archive_path), given='{"text": "a"}\n{')
    assert (ended.returncode, len(ended.stdout.splitlines())) == (1, 1)
    assert ended.stderr.startswith("nerve tag: standard input:2: not JSON")


def test_only_line_feeds_end_a_line() -> None:
    text = "a\u2028b\x0bc\x85d\re"
    (record,) = reader("text", "line", "text")([text.encode() + b"\r\n"], "in")
    assert record.source == text


def test_columns_may_be_separated_by_blanks_or_tabs() -> None:
    given = [b"New York\tB-LOC\n", b"is  VBZ   O\n", b"big\n", b" \n", b"end O"]
    read = reader("conll", "line", "text")
    assert [record.source for record in read(given, "in")] == [
        ["New York", "is", "big"],
        ["end"],
    ]


def test_every_label_has_its_colour() -> None:
    labels = [f"L{number}" for number in range(8)]
    write = writer("inline", labels, colour=True, gap=False)
    results = (Result("x", [Entity(0, 1, label, "x", 1.0)]) for label in labels)
    marked = [write(result, {}).replace(label, "") for result, label in zip(results, labels, strict=True)]
    assert len(set(marked[:6])) == 6
    assert (marked[6], marked[7]) == (marked[0], marked[1])

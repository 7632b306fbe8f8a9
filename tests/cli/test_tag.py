"""`nerve tag`: every format of input and output, against what the recognizer finds."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nerve import Entity
from nerve.cli.progress import Progress
from nerve.model.annotation import MIN_SCORE
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
        if e.score >= MIN_SCORE
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
    assert lines(nerve("tag", *flags, given=given)) == [
        {"id": 7, "body": "Angela Merkel", "ents": first["ents"]},
        {"body": "München", "meta": {"a": ["\ud800"]}, "text": 1, "ents": second["ents"]},
    ]


def test_the_field_of_the_entities_can_be_named(nerve: Nerve, archive_path: Path, recognizer: Recognizer) -> None:
    given = '{"text": "Angela Merkel", "ents": ["gold"]}\n'
    flags = ("--from", "jsonl", "--ents-field", "found", "--model", str(archive_path))
    (first,) = results(recognizer, ["Angela Merkel"])
    assert lines(nerve("tag", *flags, given=given)) == [
        {"text": "Angela Merkel", "ents": ["gold"], "found": first["ents"]}
    ]


CONLL = "-DOCSTART- -X- O\n\nAngela NNP B-PER\nMerkel NNP I-PER\nsays NN O\n\n\nNew\tYork\nCity\n"


def test_columns_are_tagged_with_their_own_tokens(nerve: Nerve, archive_path: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens.conll").write_text(CONLL, encoding="utf-8")
    ended = nerve("tag", "tokens.conll", "--to", "conll", "--min-score", "0", "--model", str(archive_path))
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
    assert named == [(e.label, e.text.replace(" ", "")) for e in entities if e.score >= MIN_SCORE]
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
        for flags in (("--min-score", "0"), ("--labels", "PER", "--min-score", "0.2"))
    )
    kept = [[e for e in one["ents"] if e["label"] == "PER" and e["score"] >= 0.2] for one in everything]
    assert [one["ents"] for one in chosen] == kept
    assert kept != [one["ents"] for one in everything]


def test_patterns_and_scores_by_label_choose_too(nerve: Nerve, archive_path: Path) -> None:
    flags = ("--patterns", "EMAIL,PHONE", "--phone-regions", "DE", "--min-score", "PER=1,LOC=1,PHONE=0.4")
    (found,) = lines(nerve("tag", "--model", str(archive_path), *flags, given="Ann a@b.org 030 901820"))
    assert [(ent["label"], ent["text"]) for ent in found["ents"]] == [("EMAIL", "a@b.org"), ("PHONE", "030 901820")]


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
    counts = "1,000 texts  30,000 tokens  15,000 tokens/s"
    assert progress.line(2.0) == f"[{'#' * 6}{' ' * 18}]  25%  {counts}  0:06 left"
    assert progress.line(3_600.0).endswith("  3:00:00 left")
    assert Progress(0, shown=False).line(0.0) == "0 texts  0 tokens  0 tokens/s"


# -- bad lines -----------------------------------------------------------------------------------------------------

BAD = '{"text": "a"}\n{"id": 7, "text": 1}\n{\n{"text": "b"}\n'


def test_a_bad_line_becomes_an_error_line_in_its_place(nerve: Nerve, archive_path: Path) -> None:
    ended = nerve("tag", "--from", "jsonl", "--model", str(archive_path), given=BAD)
    written = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [one.get("text") for one in written] == ["a", 1, None, "b"]
    assert written[1] == {
        "id": 7,
        "text": 1,
        "error": "standard input:2: not an object whose field text is a string",
    }
    assert written[2]["error"].startswith("standard input:3: not JSON: ")
    assert (ended.returncode, ended.stderr) == (
        3,
        "nerve tag: 2 lines could not be read; the output has the reason in place of each\n",
    )


def test_other_formats_have_a_comment_in_place_of_a_bad_line(nerve: Nerve, archive_path: Path) -> None:
    for form in ("conll", "inline"):
        ended = nerve("tag", "--to", form, "--model", str(archive_path), given=b"one\n\xff\ntwo\n")
        assert "\n# error: standard input:2: byte 0xff is not UTF-8\n" in ended.stdout
        assert ended.returncode == 3


@pytest.mark.parametrize("flags", [(), ("--line-buffered",)])
def test_strict_writes_what_came_before_a_bad_line(nerve: Nerve, archive_path: Path, flags: tuple[str, ...]) -> None:
    given = "".join(f'{{"text": "{number}"}}\n' for number in range(100)) + '{\n{"text": "x"}'
    ended = nerve("tag", "--strict", "--from", "jsonl", *flags, "--model", str(archive_path), given=given)
    assert (ended.returncode, len(ended.stdout.splitlines())) == (1, 100)
    assert ended.stderr.startswith("nerve tag: standard input:101: not JSON")


# -- several inputs ------------------------------------------------------------------------------------------------


def test_several_inputs_of_several_formats_are_read_one_after_the_other(
    nerve: Nerve, archive_path: Path, recognizer: Recognizer, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Angela Merkel\n", encoding="utf-8")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.jsonl").write_text('{"text": "München", "id": 1}\n', encoding="utf-8")
    (tmp_path / "more" / "c.csv").write_text('id,text\n2,"New York\nCity"\n', encoding="utf-8")
    found = lines(nerve("tag", "a.txt", "more", "-", "--model", str(archive_path), given="x\n"))
    a, b, c, d = results(recognizer, ["Angela Merkel", "München", "New York\nCity", "x"])
    assert found == [a, {**b, "id": 1}, {"id": "2", **c}, d]


@pytest.mark.parametrize("flag", ["--text-field", "--text-column"])
def test_a_column_of_csv_is_tagged_and_the_others_kept(
    nerve: Nerve, archive_path: Path, recognizer: Recognizer, tmp_path: Path, flag: str
) -> None:
    (tmp_path / "posts.csv").write_text("body,text\nAngela Merkel,x\n", encoding="utf-8")
    (first,) = results(recognizer, ["Angela Merkel"])
    assert lines(nerve("tag", "posts.csv", flag, "body", "--model", str(archive_path))) == [
        {"body": "Angela Merkel", "text": "x", "ents": first["ents"]}
    ]


def test_files_in_a_folder_whose_names_say_no_format_are_left_out_and_counted(
    nerve: Nerve, archive_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    for name in ("a.txt", "b.bin", ".hidden.txt"):
        (tmp_path / "corpus" / name).write_text(f"{name}\n", encoding="utf-8")
    ended = nerve("tag", "corpus", "--model", str(archive_path))
    assert [json.loads(line)["text"] for line in ended.stdout.splitlines()] == ["a.txt"]
    assert ended.stderr == "nerve tag: 1 file is left out, whose names say no format; --from says it\n"
    ended = nerve("tag", "corpus", "--from", "text", "--model", str(archive_path))
    assert [json.loads(line)["text"] for line in ended.stdout.splitlines()] == ["a.txt", "b.bin"]


def test_auto_chooses_by_language(nerve: Nerve) -> None:
    given = "Tim Cook flew to Paris.\n李明在北京工作。\n"
    english, chinese = lines(nerve("tag", "--model", "auto", given=given))
    assert [ent["text"] for ent in english["ents"]] == ["Tim Cook", "Paris"]
    assert "北京" in [ent["text"] for ent in chinese["ents"]]

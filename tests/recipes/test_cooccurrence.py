"""Vectors counted in unlabelled text: what stands beside the same characters is alike."""

import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nerve.training.learn.vectors import read
from recipes import cooccurrence
from recipes.cooccurrence import vectors


def text(lines: int = 400) -> str:
    """猫 and 狗 stand where the other might stand; 山 stands elsewhere."""
    generator = random.Random(1)
    patterns = ("我看见一只{}在跑", "那只{}饿了吃鱼", "高高的山上有雪 白云", "他们爬上大山看日出")
    return "\n".join(generator.choice(patterns).format(generator.choice("猫狗")) for _ in range(lines))


def test_characters_that_can_stand_for_one_another_are_alike() -> None:
    (names, matrix), _ = vectors(text(), 8, 2)
    cat, dog, hill = (matrix[names.index(name)] for name in "猫狗山")
    alike = torch.cosine_similarity
    assert alike(cat, dog, dim=0) > 0.9 > alike(cat, hill, dim=0) + 0.2


def test_pairs_are_neighbours_with_nothing_between() -> None:
    _, (names, matrix) = vectors(text(), 8, 2)
    assert {"一只", "大山"} <= set(names)
    assert not {"雪白", "跑那"} & set(names)
    assert matrix.shape == (len(names), 8)


def test_white_space_is_no_character() -> None:
    (names, _), (pairs, _) = vectors(text(), 8, 2)
    assert not any(character.isspace() for name in (*names, *pairs) for character in name)


def test_what_is_rarer_than_the_limit_is_left_out() -> None:
    (names, _), _ = vectors(text() + "\n孤", 8, 2)
    assert "孤" not in names
    assert "山" in names


def test_the_most_frequent_come_first() -> None:
    (names, _), _ = vectors("的" * 5000 + text(), 8, 2)
    assert names[0] == "的"


def test_the_same_text_gives_the_same_vectors() -> None:
    assert vectors(text(), 8, 2)[0][1].equal(vectors(text(), 8, 2)[0][1])


@pytest.mark.parametrize("packed", [False, True])
def test_the_command_writes_files_that_training_reads(tmp_path: Path, packed: bool) -> None:
    source = tmp_path / ("zh.txt.xz" if packed else "zh.txt")
    content = text().encode()
    source.write_bytes(lzma.compress(content) if packed else content)
    words = [str(source), "--output", str(tmp_path / "c.txt"), "--pairs", str(tmp_path / "p.txt")]
    assert cooccurrence.main([*words, "--size", "8", "--pair-size", "3", "--min-count", "2"]) == 0
    assert read(tmp_path / "c.txt", [], 1000).size == 8
    assert read(tmp_path / "p.txt", [], 1000).size == 3


def test_too_little_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "zh.txt").write_text("山上有雪", encoding="utf-8")
    assert cooccurrence.main([str(tmp_path / "zh.txt"), "--output", str(tmp_path / "c.txt")]) == 1
    assert "only 0 characters occur 5 times; vectors of width 64 need 64" in capsys.readouterr().err
    assert not (tmp_path / "c.txt").exists()


def test_several_files_are_one_text_with_a_line_s_end_between(tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text(text() + "甲" * 3, encoding="utf-8")
    other.write_text("乙" * 3 + text(), encoding="utf-8")
    words = [str(one), str(other), "--output", str(tmp_path / "c.txt"), "--pairs", str(tmp_path / "p.txt")]
    assert cooccurrence.main([*words, "--size", "8", "--min-count", "1"]) == 0
    assert {"甲", "乙"} <= set(read(tmp_path / "c.txt", [], 1000).words)
    assert "甲乙" not in read(tmp_path / "p.txt", [], 10_000).words


def test_characters_are_counted_in_their_normal_form() -> None:
    (names, _), (pairs, _) = vectors(text() + "ＡB１" * 9, 8, 2)
    assert {"a", "b", "0"} <= set(names)
    assert {"ab", "b0"} <= set(pairs)
    assert not {"Ａ", "B", "１", "1"} & set(names)


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("zh.txt", None, "No such file"),
        ("zh.txt", b"", "0 characters occur 5 times"),
        ("zh.txt", b"\xff" * 100, "can't decode"),
        ("zh.txt.xz", b"no xz", "Input format not supported"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_in_one_line(
    name: str, content: bytes | None, fact: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    line = refused(cooccurrence.main, tmp_path / name, "--output", tmp_path / "c.txt")
    assert line.startswith("recipes.cooccurrence: ")
    assert fact in line
    assert not (tmp_path / "c.txt").exists()

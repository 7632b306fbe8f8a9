"""Vectors of Chinese words out of a package."""

import hashlib
import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nerve.training.learn.vectors import read
from recipes import chinese_words, lexicons
from recipes.chinese_words import LENGTH, shortened, with_dictionary, with_traditional, word2vec


def content(**vectors: tuple[float, float]) -> bytearray:
    """A file of word2vec."""
    rows = b"".join(f"{word} ".encode() + struct.pack("2f", *vector) for word, vector in vectors.items())
    return bytearray(f"{len(vectors)} 2\n".encode() + rows)


@pytest.mark.parametrize("between", [b"", b"\n"])
def test_a_binary_file_is_read_and_each_vector_made_one_of_length_1(between: bytes) -> None:
    (line,) = struct.unpack("f", b"\n \n ")  # a number whose bytes look like the end of a word and of a line
    given = content(中国=(3.0, 4.0), a=(0.0, line), 大学生=(-2.0, 0.0))
    words, vectors = word2vec(bytearray(given.replace(b"a ", between + b"a ")))
    assert words == ["中国", "a", "大学生"]
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]]))


def test_a_word_in_traditional_characters_has_the_vector_of_the_simplified_one() -> None:
    words, vectors = with_traditional(
        ["中国", "大学", "国中", "國中"],
        torch.tensor([[1.0], [2.0], [3.0], [4.0]]),
        {ord("国"): "國", ord("学"): "學"},
    )
    assert words == ["中国", "大学", "国中", "國中", "中國", "大學"], "one that is there already is not added"
    assert vectors.flatten().tolist() == [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]


def test_a_word_of_the_dictionary_has_the_mean_vector_of_the_known_words_of_its_kind() -> None:
    words, vectors = with_dictionary(
        ["北京", "鲁迅", "上海", "吃饭"],
        torch.tensor([[LENGTH, 0.0], [-LENGTH, 0.0], [0.0, LENGTH], [0.0, -LENGTH]]),
        [
            *(("北京", "ns"), ("上海", "ns"), ("重庆", "ns"), ("天津", "ns")),
            *(("鲁迅", "nr"), ("约翰·列侬", "nr"), ("吃饭", "v"), ("新华社", "nt")),
        ],
    )
    assert words == ["北京", "鲁迅", "上海", "吃饭", "重庆", "天津", "约翰·列侬"], "no organisation is known"
    half = LENGTH / 2**0.5
    torch.testing.assert_close(vectors[4:], torch.tensor([[half, half], [half, half], [-LENGTH, 0.0]]))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with four Chinese words among others, taken for the pinned one."""
    file = content(
        中国=(3.0, 4.0), the=(1.0, 1.0), 的=(1.0, 2.0), 大学=(0.0, 1.0), 甲乙丙丁戊己庚=(1.0, 0.0), 学生=(2.0, 0.0)
    )
    path = tmp_path / "synonyms-3.10.2.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(chinese_words.MEMBER)
        member.size = len(file)
        archive.addfile(member, io.BytesIO(file))
    monkeypatch.setattr(chinese_words, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(chinese_words, "tables", lambda _: ({ord("学"): "學"}, {}))
    jieba = [("中国", 9, "ns"), ("学甲", 4, "ns"), ("新营", 3, "ns"), ("梅", 9, "ns"), ("A座", 9, "ns")]
    monkeypatch.setattr(chinese_words, "dictionary", lambda _: jieba)
    return path


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], ("中国", "大学", "学生")),
        (["--count", "2"], ("中国", "大学")),
        (["--count", "2", "--traditional"], ("中国", "大学", "大學")),
        (["--count", "2", "--dictionary", "jieba"], ("中国", "大学", "学甲")),
        (["--count", "2", "--dictionary", "jieba", "--traditional"], ("中国", "大学", "学甲", "大學", "學甲")),
    ],
)
def test_the_command_writes_words_of_two_to_six_chinese_characters_which_training_reads(
    more: list[str], words: tuple[str, ...], package: Path, tmp_path: Path
) -> None:
    output = tmp_path / "words.txt"
    assert chinese_words.main([str(package), "--size", "2", "--output", str(output), *more]) == 0
    vectors = read(output, [], 1000)
    assert (vectors.words, vectors.size) == (words, 2)


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        (["--size", "3"], "--size is 3; it must be 1 to 2, which the package has"),
        (["--size", "0"], "--size is 0; it must be 1 to 2, which the package has"),
        (["--size", "2", "--count", "1"], "--count is 1; vectors of width 2 need 2 words"),
        (["--size", "1", "--count", "-1"], "--count is -1; vectors of width 1 need 1 words"),
    ],
)
def test_what_the_package_does_not_have_is_refused_in_one_line(
    more: list[str], fact: str, package: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    output = tmp_path / "words.txt"
    assert refused(chinese_words.main, package, "--output", output, *more) == f"recipes.chinese_words: {fact}"
    assert not output.exists()


def test_another_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "synonyms-3.10.2.tar.gz"
    package.write_bytes(b"another")
    assert chinese_words.main([str(package), "--output", str(tmp_path / "words.txt")]) == 1
    assert "synonyms-3.10.2.tar.gz: not synonyms 3.10.2: its SHA-256 is not" in capsys.readouterr().err
    assert not (tmp_path / "words.txt").exists()


def test_another_dictionary_is_refused(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.setattr(chinese_words, "dictionary", lexicons.dictionary)
    output = tmp_path / "words.txt"
    fact = refused(chinese_words.main, package, "--size", "2", "--dictionary", package, "--output", output)
    assert "synonyms-3.10.2.tar.gz: not jieba 0.42.1: its SHA-256 is not" in fact
    assert not output.exists()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert chinese_words.main([str(tmp_path / "absent.tar.gz"), "--output", str(tmp_path / "words.txt")]) == 1
    assert capsys.readouterr().err.startswith("recipes.chinese_words: [Errno 2] No such file")


def test_shortened_vectors_have_the_same_length_and_the_angles_of_their_plane() -> None:
    torch.manual_seed(1)
    plane = torch.randn(40, 2)
    plane -= plane.mean(0)
    basis = torch.linalg.qr(torch.randn(5, 2))[0]
    short = shortened(plane @ basis.t(), 2)
    torch.testing.assert_close(short.norm(dim=1), torch.full((40,), LENGTH))
    cosines = torch.nn.functional.normalize(plane) @ torch.nn.functional.normalize(plane).t()
    torch.testing.assert_close(short @ short.t() / LENGTH**2, cosines, atol=1e-4, rtol=0)

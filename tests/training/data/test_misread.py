"""Files that look right and are not: refused with file and line, or read as their authors meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from nerve.model.annotation import Sentence
from nerve.training.data.formats import FormatError, Reading, load, read, read_columns

NAMES = ["Anna", "Boris", "Clara", "Dmitri", "Elena", "Frank"]


def columns(first: int, extra: str = "") -> str:
    sentences = [[name, "left", "Oslo", "."] for name in NAMES]
    tags = ["B-PER", "O", "B-LOC", "O"]
    return "\n".join(
        "".join(
            f"{n}\t{token}\t{tag}{extra}\n" for n, (token, tag) in enumerate(zip(words, tags, strict=True), first)
        )
        for words in sentences
    )


@pytest.mark.parametrize(
    "text", [columns(0), columns(1), columns(1, "\tO"), columns(0).replace("\t", " "), columns(1, "\t-\tx")]
)
def test_a_first_column_that_counts_is_not_the_token(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.conll"
    path.write_text(text)
    assert [sentence.tokens[0] for sentence in read(path)] == NAMES
    with pytest.raises(FormatError, match=r"train\.conll:1: "):
        read_columns(path, "auto")


def test_a_file_that_mostly_counts_is_read_so_and_refused_where_it_does_not(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text("\n".join([columns(1)] * 4) + "\n1-2\tzum\tO\n1\tzu\tO\n2\tdem\tO\n")
    with pytest.raises(FormatError, match=r":121: '1-2' does not count the tokens of its sentence"):
        read(path)


def test_a_column_of_numbers_without_any_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text("1\tO\n2\tB-PER\n\n1\tO\n2\tO\n3\tO\n")
    with pytest.raises(FormatError, match=r":1: the first column counts the tokens of a sentence \(1, 2\), and"):
        read(path)


@pytest.mark.parametrize(
    "text", ["1\tO\n2\tO\n\nAnna\tB-PER\nleft\tO\n", "1\tO\n\n1\tO\n", "3\tO\n4\tO\n", "1\tO\n1\tO\n"]
)
def test_tokens_that_are_numbers_are_tokens(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.conll"
    path.write_text(text)
    assert read(path)[0].tokens[0] == text[0]


def records(shift_end: int = 0, shift: int = 0, count: int = 6) -> list[dict[str, Any]]:
    return [
        {"text": f"Yesterday {name} left.", "label": [[10 + shift, 10 + shift + len(name) + shift_end, "PER"]]}
        for name in NAMES[:count]
    ]


def read_json(tmp_path: Path, content: list[dict[str, Any]]) -> list[Sentence]:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in content))
    return read(path)


@pytest.mark.parametrize(("shift_end", "shift"), [(-1, 0), (0, 1), (0, -3), (0, 2)])
def test_spans_that_cut_words_are_counted_and_refused_if_they_are_most(
    tmp_path: Path, shift_end: int, shift: int
) -> None:
    whole = {"text": "Anna left.", "label": [[0, 4, "PER"]]}
    with pytest.raises(FormatError) as caught:
        read_json(tmp_path, [whole, *records(shift_end, shift)])
    fact = "6 of 7 spans begin or end inside a word: are ends inclusive, or offsets UTF-16 units?"
    if shift_end == -1:
        fact = fact.partition(":")[0] + "; as code points with inclusive ends, 6 of 7 fit: give --offsets inclusive"
    assert str(caught.value) == f"{tmp_path / 'train.jsonl'}:2: {fact}"


@pytest.mark.parametrize("content", [records(), records(-1, count=4), [*records(-1, count=5), *records(count=5)]])
def test_spans_of_whole_words_or_few_that_cut_one_are_read(tmp_path: Path, content: list[dict[str, Any]]) -> None:
    assert len(read_json(tmp_path, content)) == len(content)


def test_names_in_text_without_spaces_cut_no_word(tmp_path: Path) -> None:
    content = [{"text": "昨天王小明离开了北京。", "label": [[2, 5, "PER"], [8, 10, "LOC"]]}] * 4
    assert len(read_json(tmp_path, content)) == 4


def shifted(units: str, name: str) -> dict[str, Any]:
    """A text with an emoji and umlauts, and the offsets of its name counted in these units."""
    before = "😀 Für "
    encoding, width = {"utf16": ("utf-16-le", 2), "utf8": ("utf-8", 1), "codepoints": ("utf-32-le", 4)}[
        units.removesuffix("-inclusive")
    ]
    start = len(before.encode(encoding)) // width
    end = start + len(name.encode(encoding)) // width - units.endswith("inclusive")
    return {"text": f"{before}{name} schreibt er.", "label": [[start, end, "PER"]]}


@pytest.mark.parametrize("units", ["utf16", "utf8"])
def test_other_units_are_named_even_if_few_texts_show_them(tmp_path: Path, units: str) -> None:
    path = tmp_path / "train.jsonl"
    content = [*records() * 10, *(shifted(units, name) for name in NAMES[:4])]
    path.write_text("".join(json.dumps(record) + "\n" for record in content), encoding="utf-8")
    with pytest.raises(FormatError, match=rf"64 of 64 fit: give --offsets {units}"):
        read(path)
    sentences = [one for document in load(path, Reading(offsets=units)).faultless() for one in document.sentences()]
    assert [one.tokens[one.tags.index("B-PER")] for one in sentences] == [*NAMES * 10, *NAMES[:4]]


def test_a_few_names_of_part_of_a_word_say_nothing_of_units(tmp_path: Path) -> None:
    part = {"text": "Der Bonnbesucher kam 😀.", "label": [[4, 8, "LOC"]]}
    assert len(read_json(tmp_path, [*records() * 10, *[part] * 4])) == 64


REGION = {"start": 0, "end": 4, "text": "Anna"}


@pytest.mark.parametrize(
    "beside",
    [
        {"type": "choices", "value": {**REGION, "choices": ["certain"]}},
        {"type": "textarea", "value": {"start": 0, "end": 4, "text": ["a note"]}},
        {"type": "rating", "value": {**REGION, "rating": 4}},
        {"type": "taxonomy", "value": {**REGION, "taxonomy": [["a", "b"]]}},
        {"type": "choices", "value": {"choices": ["news"]}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
        {"value": {**REGION, "number": 3}},
    ],
)
def test_what_label_studio_has_beside_the_labels_of_a_region_is_left_out(
    tmp_path: Path, beside: dict[str, Any]
) -> None:
    labels = {"type": "labels", "value": {**REGION, "labels": ["PER"], "choices": ["certain"]}}
    task = {"data": {"text": "Anna left."}, "annotations": [{"result": [labels, beside]}]}
    assert [sentence.tags for sentence in read_json(tmp_path, [task])] == [("B-PER", "O", "O")]


def test_a_region_without_any_label_is_still_refused(tmp_path: Path) -> None:
    task = {"data": {"text": "Anna left."}, "annotations": [{"result": [{"type": "labels", "value": REGION}]}]}
    with pytest.raises(FormatError, match="needs one label"):
        read_json(tmp_path, [task])

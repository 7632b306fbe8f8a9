"""What no reader understands: refused with what it looks like and what to do."""

from pathlib import Path
from typing import Any

import pytest

from nerve.model.annotation import Sentence, Span
from nerve.training.data.formats import FormatError, Reading, load

TASK = '{"data": {"text": "Ada"}, '


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "it is a zip file: unpack it"),
        (b"\x1f\x8b\x08rest", "it is compressed"),
        ("Ada\tB-PER\n".encode("utf-16"), "it looks like UTF-16: save it as UTF-8"),
        (b"SQLite format 3\x00", "it is a database"),
        (b"PK\x03\x04 xl/workbook.xml", "it is an Excel workbook: save its sheet as CSV"),
        (b"PK\x03\x04 word/document.xml", "it is a Word document"),
        (b"BZh9rest", "it is compressed (bzip2)"),
        (b"ARROW1\x00\x00", "it is an Arrow file: give the folder"),
        (b"\x80\x04\x95rest", "it looks like a pickle of Python"),
        (b"{\\rtf1\\ansi Ada}", "it is rich text (RTF)"),
        (b"%PDF-1.7", "it is a PDF"),
        ("Ada\tB-PER\n".encode("utf-16-le"), "it looks like UTF-16 without a byte order mark"),
        ("Jos\xe9\tB-PER\n".encode("cp1252"), "byte 0xe9 is not UTF-8: save the file as UTF-8"),
        (b"Ada\tB-PER\rran\tO\r", "its lines end with CR alone"),
        (b'text,id,label\n"Ada ran",1,"[]"\n', "it looks like CSV with a text in each row (text, id, label)"),
        (b"Sentence #,Sentence,POS,Tag\n1,Ada ran,[],[]\n", "it looks like CSV with a text in each row"),
        (b'<?xml version="1.0"?><xmi:XMI/>', "it looks like XML"),
        (b"<!DOCTYPE html>", "it looks like a page of HTML"),
        (b'TRAIN_DATA = [("Ada", {"entities": [(0, 3, "PER")]})]', "it looks like a Python program"),
        (b'[("Ada", {"entities": [(0, 3, "PER")]})]', "it looks like a Python program"),
        (b"#FORMAT=WebAnno TSV 2\n", "WebAnno TSV 2: export WebAnno TSV v3"),
        (b"#id=1\n1-1\tAda\tB-PER\n", "it looks like WebAnno TSV 1 or 2"),
        (b"#FORMAT=WebAnno TSV 3.3\n#T_SP=a.POS|PosValue\n", "without a layer of names"),
        (b'{"text": "ab", "label": {"x": {"b": [[1, 1]]}}}', "it looks like CLUENER's"),
        (b'{"content": "ab", "annotation": []}', "it looks like an export of Dataturks"),
        (b'{"sents": [], "vertexSet": []}', "it looks like DocRED"),
        (TASK.encode() + b'"predictions": []}', "tasks of Label Studio that nobody annotated"),
        (b"1\tAda\tada\tX\t_\t_\t0\troot\t_\t_\n", "CoNLL-U without names"),
        (b"1\tAda\tada\tX\t_\t_\t0\troot\t_\tEntity=(p\n", "the brackets of coreference"),
        (b"Ada NN (PERSON*\nLee NN *)\nran VB *\n", "it looks like CoNLL-2012's brackets"),
        (b"Ada B-PER NN\nran O VB\n", "column 2 does; if those are the names, make it the last"),
        (b"Ada NN\nran VB\n", "the last of 2 columns holds no tags of names"),
        (b"Ada,B-PER\nran,O\n", "it looks like CSV without names of columns"),
        (b"a sentence of prose.\n", "holds no tags of names"),
        (b"token,tag\nAda,B-PER\nran,O\n", "nothing says where a sentence ends"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "given"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        load(path).faultless()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dataset_of_several_splits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text("{}")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "state.json").write_text("{}")
    with pytest.raises(FormatError, match="a dataset with the splits train: name the folder of one of them"):
        load(tmp_path)


def test_annotations_of_brat_without_their_text_are_refused_and_the_other_texts_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tPER 0 3\tAda\n")
    (tmp_path / "b.ann").write_text("T1\tPER 0 3\tAda\n")
    (tmp_path / "b.txt").write_text("Ada ran.")
    loaded = load(tmp_path)
    with pytest.raises(FormatError, match=r"a\.ann:1: brat's annotations without their text: there is no a\.txt"):
        loaded.faultless()
    assert [document.as_text().text for document in loaded.documents] == ["", "Ada ran."]


@pytest.mark.parametrize("offsets", ["9 12", "7 10"])
def test_a_text_of_brat_that_got_other_line_ends_has_the_names_that_are_quoted(tmp_path: Path, offsets: str) -> None:
    (tmp_path / "a.txt").write_bytes(b"Look:\r\n\r\nAda ran.\r\n")
    (tmp_path / "a.ann").write_bytes(f"T1\tPER {offsets}\tAda\r\n".encode())
    (document,) = load(tmp_path).faultless()
    text, (span,) = document.as_text()
    assert text[span.start : span.end] == "Ada"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("T1\tPER 0 3;4 7\tAda Lee\n", "1: the name 'Ada Lee' PER is in fragments"),
        ("T1\tPER 0 3\tAda\nT2\tPER 4\n", "2: not T1, label start end, text"),
        ("T1\tPER 1 4\tAda\n", "1: span 1-4 'PER' is 'da ', not 'Ada': offsets must count code points"),
        ("T1\tPER 0 3\tAda\nT2\tORG 0 7\tAda Lee\n", "1: span 0-7 'ORG' overlaps span 0-3 'PER'"),
    ],
)
def test_faults_of_brat_have_their_line(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "a.txt").write_text("Ada Lee ran.")
    (tmp_path / "a.ann").write_text(lines)
    with pytest.raises(FormatError) as caught:
        load(tmp_path).faultless()
    assert str(caught.value).startswith(f"{tmp_path / 'a.ann'}:{message}")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"tokenized_text": ["a"], "ner": [[0, 1, "X"]]}', "name 0-1 'X' is outside the 1 tokens"),
        ('{"tokenized_text": ["a"], "ner": [[0, "X"]]}', "a name is [first, last, label]"),
        ('{"tokenized_text": ["a"], "ner": [[0, 0, "X"], [0, 0, "Y"]]}', "name 0-0 'Y' overlaps 0-0 'X'"),
        ('{"tokenized_text": "a", "ner": []}', "tokenized_text is not a list of strings"),
        ('{"tokens": ["a"], "ner_tags": ["O", "O"]}', "2 tags for 1 tokens"),
        ('{"tokens": ["a", " "], "ner_tags": ["O", "O"]}', "a token is empty"),
        ('{"tokens": [], "ner_tags": []}', "tokens is empty"),
        ('{"tokens": ["a"], "ner_tags": [1.5]}', "ner_tags holds neither names nor whole numbers"),
        ('{"tokens": ["a"], "ner_tags": ["E-X"]}', "E-X may not begin a sentence in BIOES"),
        ('{"tokens": ["a", "b"], "ner_tags": ["B-Y", "I-X"]}', "I-X may not follow B-Y in BIO, at token 2 ('b')"),
        ('{"tokens": ["a"]}', "there is no list of tags"),
        ('{"paragraphs": 1}', 'not {"paragraphs"'),
        ('{"text": "a", "annotations": [{"label": 2, "start_offset": 0, "end_offset": 1}]}', "numbers of doccano's"),
    ],
)
def test_a_record_of_tokens_that_is_wrong_is_refused(tmp_path: Path, record: str, message: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(record + "\n")
    with pytest.raises(FormatError) as caught:
        load(path).faultless()
    assert str(caught.value).startswith(f"{path}:1: ")
    assert message in str(caught.value)


def test_a_hashtag_that_begins_a_sentence_is_a_token_and_a_comment_is_not(tmp_path: Path) -> None:
    path = tmp_path / "tweets"
    path.write_text("# id 1\n#jazz\tB-X\nin\tO\n\n#\tO\n1\tO\n\n# a comment\nBonn\tB-X\n")
    assert [document.sentences()[0].tokens for document in load(path).faultless()] == [
        ("#jazz", "in"),
        ("#", "1"),
        ("Bonn",),
    ]


def annotation(by: Any, *spans: tuple[int, int, str]) -> str:
    regions = ", ".join(
        f'{{"type": "labels", "value": {{"start": {a}, "end": {b}, "labels": ["{label}"]}}}}' for a, b, label in spans
    )
    return f'{{"completed_by": {by}, "result": [{regions}]}}'


ADA, LEE = (0, 3, "PER"), (0, 7, "PER")
TWO = f'{{"data": {{"text": "Ada Lee ran."}}, "annotations": [{annotation(1, ADA)}, {annotation(2, LEE)}]}}\n'
THREE = TWO.replace("}]}\n", f"}}, {annotation(3, LEE)}]}}\n")


def spans(path: Path, content: str, annotator: str) -> list[tuple[int, int]]:
    path.write_text(content)
    documents = load(path, Reading(annotator=annotator)).faultless()
    return [(span.start, span.end) for document in documents for span in document.as_text().spans]


@pytest.mark.parametrize(
    ("content", "annotator", "expected"),
    [
        (TWO, "1", [(0, 3)]),
        (TWO, "2", [(0, 7)]),
        (TWO, "majority", []),
        (THREE, "majority", [(0, 7)]),
        (THREE.replace("0, ", "0,"), "3", [(0, 7)]),
        (TWO.replace('"completed_by": 2', '"ground_truth": true'), "", [(0, 7)]),
        (TWO.replace('"completed_by": 2', '"was_cancelled": true'), "", [(0, 3)]),
        (TWO.replace('"end": 7', '"end": 3'), "", [(0, 3)]),
    ],
)
def test_of_several_annotators_one_is_chosen_or_the_majority(
    tmp_path: Path, content: str, annotator: str, expected: list[tuple[int, int]]
) -> None:
    assert spans(tmp_path / "tasks.json", content, annotator) == expected


def test_annotators_that_disagree_are_a_fault_until_one_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        spans(tmp_path / "tasks.json", TWO, "")
    fact = "2 annotations (1, 2) differ in 'Ada' PER, 'Ada Lee' PER: choose one annotator with --annotator, or"
    assert f"tasks.json:1: {fact} --annotator majority" in str(caught.value)


def test_an_annotator_that_the_file_does_not_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nobody in the file is called 'Ada'; its annotators are 1, 2"):
        spans(tmp_path / "tasks.json", TWO, "Ada")


def test_spans_have_no_white_space_at_their_edges_when_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_text('{"text": "So Ada ran.", "label": [[2, 7, "PER"]]}\n')
    assert [document.as_text().spans for document in load(path).faultless()] == [(Span(3, 6, "PER"),)]


@pytest.mark.parametrize("header", ["webanno.custom.Names|identifier|kind", "a.POS|kind|other\n#T_SP=b.Names|kind"])
def test_the_only_feature_of_the_only_layer_of_spans_is_read(tmp_path: Path, header: str) -> None:
    path = tmp_path / "given.tsv"
    path.write_text(f"#FORMAT=WebAnno TSV 3.3\n#T_SP={header}\n\n\n#Text=Ada\n1-1\t0-3\tAda\t*\tPER\tPER\t\n")
    (document,) = load(path).faultless()
    assert document.sentences() == [Sentence(("Ada",), ("B-PER",))]


def test_the_annotators_of_prodigy_and_of_json_min_are_told_apart(tmp_path: Path) -> None:
    prodigy = '{"text": "Ada Lee ran.", "_input_hash": 5, "_annotator_id": "NAME", "spans": [SPAN]}\n'
    minimal = '{"text": "Ada Lee ran.", "id": 5, "annotator": "NAME", "label": [SPAN]}\n'
    for record, label in ((prodigy, '"label": "PER"'), (minimal, '"labels": ["PER"]')):
        content = "".join(
            record.replace("NAME", name).replace("SPAN", f'{{"start": 0, "end": {end}, {label}}}')
            for name, end in (("ann", 3), ("bob", 7))
        )
        assert spans(tmp_path / "tasks.jsonl", content, "bob") == [(0, 7)]
        with pytest.raises(FormatError, match=r"2 annotations \(ann, bob\) differ"):
            spans(tmp_path / "tasks.jsonl", content, "")

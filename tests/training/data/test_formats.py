"""Each reader: what it makes of a small file, and what it refuses, with file and line."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from nerve.model.annotation import Sentence
from nerve.model.tags import TagError, spans_of
from nerve.training.data.formats import FormatError, Reading, read, read_columns, read_iob2, read_spans, write_columns
from nerve.training.data.formats.published import (
    read_cluener,
    read_docred,
    read_gmb,
    read_msra_test,
    read_msra_train,
    read_weibo,
)
from nerve.training.data.formats.schemes import detect, to_bio


@pytest.fixture
def file(tmp_path):
    """Writes a file of the given content and returns its path."""

    def write(content: str | bytes, name: str = "corpus.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def jsonl(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def names(sentence: Sentence) -> list[tuple[str, str]]:
    return [(" ".join(sentence.tokens[s.start : s.end]), s.label) for s in spans_of(sentence.tags)]


def refusal(reader, path: Path, *arguments: object) -> str:
    """The message of the FormatError, without the file at its beginning, which is checked."""
    with pytest.raises(FormatError) as caught:
        reader(path, *arguments)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    return message.removeprefix(f"{path}:")


# -- schemes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "tags", "bio"),
    [
        ("bio", "O B-A I-A B-A B-B I-B O", "O B-A I-A B-A B-B I-B O"),
        ("bio", "B-a-b I-a-b", "B-a-b I-a-b"),
        ("iob1", "I-A I-A O I-A", "B-A I-A O B-A"),
        ("iob1", "I-A B-A I-A I-B", "B-A B-A I-A B-B"),
        ("bioes", "S-A B-A I-A I-A E-A S-A O", "B-A B-A I-A I-A I-A B-A O"),
        ("bioes", "B-A E-A B-B E-B", "B-A I-A B-B I-B"),
        ("bmes", "B-A M-A E-A O S-B", "B-A I-A I-A O B-B"),
        ("bmes", "S-A S-A", "B-A B-A"),
        ("bmes", "", ""),
    ],
)
def test_each_scheme_becomes_bio_with_the_same_names(scheme, tags, bio):
    assert to_bio(tags.split(), scheme) == tuple(bio.split())


@pytest.mark.parametrize(
    ("scheme", "tags", "position"),
    [
        ("bio", "I-A", 0),
        ("bio", "B-A I-B", 1),
        ("bio", "B-A O I-A", 2),
        ("bio", "S-A", 0),
        ("bio", "O B", 1),
        ("bio", "O B-", 1),
        ("bio", "O -A", 1),
        ("bio", "BI-A", 0),
        ("iob1", "B-A", 0),
        ("iob1", "I-A B-B", 1),
        ("bioes", "B-A O", 1),
        ("bioes", "B-A B-A", 1),
        ("bioes", "B-A E-B", 1),
        ("bioes", "S-A E-A", 1),
        ("bioes", "E-A", 0),
        ("bioes", "O B-A I-A", 2),
        ("bioes", "B-A M-A E-A", 1),
        ("bmes", "M-A", 0),
        ("bmes", "B-A S-A", 1),
        ("bmes", "B-A I-A E-A", 1),
    ],
)
def test_a_tag_that_breaks_its_scheme_is_refused_at_its_position(scheme, tags, position):
    with pytest.raises(TagError) as caught:
        to_bio(tags.split(), scheme)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("scheme", "tags", "bio"),
    [
        ("bio", "I-A I-A O", "B-A I-A O"),
        ("bio", "B-A I-B", "B-A B-B"),
        ("bmes", "B-A M-A", "B-A I-A"),
        ("bmes", "M-A M-A E-A", "B-A I-A I-A"),
        ("bmes", "B-A O E-A", "B-A O B-A"),
    ],
)
def test_mending_begins_a_name_where_a_tag_continues_nothing(scheme, tags, bio):
    assert to_bio(tags.split(), scheme, mend=True) == tuple(bio.split())


def test_mending_takes_no_tag_of_another_scheme():
    with pytest.raises(TagError):
        to_bio(["E-A"], "bio", mend=True)


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["O O", "B-A I-A"], "bio"),
        (["O", "O O"], "bio"),
        (["I-A I-A O", "O I-B", "I-A B-A"], "iob1"),
        (["B-A I-A", "O I-A"], "bio"),
        (["S-A", "B-A I-A E-A"], "bioes"),
        (["S-A", "B-A E-A"], "bioes"),
        (["S-A", "B-A M-A E-A"], "bmes"),
        (["B-A M-A"], "bmes"),
        (["B-A I-A", "E-A"], "bioes"),
        (["U-A", "B-A I-A L-A"], "bilou"),
        (["B-A I-A", "L-A"], "bilou"),
        (["A A O", "O BLA"], "bare"),
        (["O B", "I O"], "bio"),
    ],
)
def test_the_scheme_of_a_file_is_the_first_it_is_valid_in(sentences, scheme):
    assert detect([tags.split() for tags in sentences]) == scheme


# -- columns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "EU\tB-ORG\nsaid\tO\n\nBonn\tB-LOC\n",
        "EU B-ORG\nsaid O\n\nBonn B-LOC",
        "EU NNP B-ORG\nsaid VBD O\n\n\n\nBonn NNP B-LOC\n\n",
        "EU NNP I-NP B-ORG\nsaid VBD I-VP O\n\nBonn NNP I-NP B-LOC\n",
        "EU\tB-ORG\r\nsaid\tO\r\n\r\nBonn\tB-LOC\r\n",
        "EU\tB-ORG\nsaid\tO\n\t\nBonn\tB-LOC\n",
        "\ufeffEU\tB-ORG\nsaid\tO\n\nBonn\tB-LOC\n",
        "-DOCSTART- -X- O\n\nEU NNP B-ORG\nsaid VBD O\n-DOCSTART-\nBonn NNP B-LOC\n",
        "-DOCSTART- -X- O\n\nEU\tNNP\tB-ORG\nsaid\tVBD\tO\n\nBonn\tNNP\tB-LOC\n",
        "EU  NNP   B-ORG\nsaid VBD O \n\nBonn NNP B-LOC\n",
    ],
)
def test_every_way_to_write_columns_gives_the_same_sentences(file, content):
    assert read_columns(file(content), "bio") == [
        Sentence(("EU", "said"), ("B-ORG", "O")),
        Sentence(("Bonn",), ("B-LOC",)),
    ]


def test_the_tag_column_can_be_another_one(file):
    path = file("EU B-ORG NNP\nsaid O VBD\n")
    assert read_columns(path, "bio", tag_column=1) == [Sentence(("EU", "said"), ("B-ORG", "O"))]


def test_a_tag_column_that_is_not_there_is_refused(file):
    with pytest.raises(FormatError, match=r":1: 2 columns; the tag was to be in column 4"):
        read_columns(file("EU B-ORG\n"), "bio", tag_column=3)


@pytest.mark.parametrize("token", ["#", "a\u2028b", "\u3000x", "New York", "\x85x", "-"])
def test_a_token_between_tabs_stays_as_it_is(file, token):
    assert read_columns(file(f"{token}\tO\n"), "bio")[0].tokens == (token,)


def test_mending_writes_blanks_in_a_token_as_underscores(file):
    path = file("re y\tO\n\tO\nMH17 \tB-X\n")
    assert read_columns(path, "bio", mend=True) == [Sentence(("re_y", "_", "MH17_"), ("O", "O", "B-X"))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "1: the file holds no sentence"),
        ("\n\n-DOCSTART- O\n\n", "1: the file holds no sentence"),
        ("a\tO\n\nb\n", "3: 1 column; a token's line has 2 to 4"),
        ("a O\nb X O\n", "2: 3 columns; line 1 has 2"),
        ("a b c d O\n", "1: 5 columns; a token's line has 2 to 4"),
        ("a\tO\n\tO\n", "2: the token is empty"),
        ("a\tO\n \tO\n", "2: the token is empty"),
        ("a\tO\n\nb\tB-X\nc\tI-Y\n", "4: I-Y may not follow B-X in BIO"),
        ("a\tB-X\n\nb\tI-X\n", "3: I-X may not begin a sentence in BIO"),
        ("a\tO\nb\tB-X\nc\tPER\n", "3: 'PER' is not a tag of BIO"),
        ("a\tO\nb\t\n", "2: '' is not a tag of BIO"),
        ("a\tB-X\nb\tM-X\n\nc\tO\n", "2: the sentence ends inside a name, at M-X in BMES"),
        (b"a\tO\nb\xff\tO\n", "2: byte 0xff is not UTF-8: save the file as UTF-8"),
        ("a\tO\n".encode("utf-16"), "1: byte 0xff is not UTF-8: save the file as UTF-8"),
    ],
)
def test_malformed_columns_are_refused_with_file_and_line(file, content, message):
    assert refusal(read_columns, file(content), "auto") == message


def test_a_missing_file_is_refused(tmp_path):
    assert "cannot be read: No such file" in refusal(read_columns, tmp_path / "absent.txt", "bio")


@pytest.mark.parametrize("scheme", ["bio", "iob1", "bioes", "bmes"])
def test_a_stated_scheme_is_kept_to(file, scheme):
    own = {"bio": "B-X", "iob1": "I-X", "bioes": "S-X", "bmes": "S-X"}
    assert read_columns(file(f"a\t{own[scheme]}\n"), scheme)[0].tags == ("B-X",)
    foreign = "I-X" if scheme == "bio" else "B-X"
    assert refusal(read_columns, file(f"a\t{foreign}\n"), scheme).startswith("1: ")


def test_what_is_written_is_read_back(tmp_path):
    sentences = [Sentence(("a", "New York", "。"), ("O", "B-LOC", "I-LOC")), Sentence(("#",), ("O",))]
    write_columns(tmp_path / "out.txt", sentences)
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "a\tO\nNew York\tB-LOC\n。\tI-LOC\n\n#\tO\n\n"
    assert read(tmp_path / "out.txt") == sentences


@pytest.mark.parametrize("token", ["", " ", "a\tb", "a\nb", "\r"])
def test_a_token_that_could_not_be_read_back_is_not_written(tmp_path, token):
    with pytest.raises(ValueError, match="cannot stand in columns"):
        write_columns(tmp_path / "out.txt", [Sentence((token,), ("O",))])
    assert list(tmp_path.iterdir()) == []


# -- the public corpora ------------------------------------------------------------------------------------------

IOB2 = "# text = Al Qaim is Iraqi\n1\tAl\tB-LOC\t-\tx\n2\tQaim\tI-LOC\t-\tx\n3\tis\tO\n4\tIraqi\tB-OTH\t-\tx\n"


def test_uner_comments_and_bookkeeping_columns_are_dropped(file):
    assert read_iob2(file(IOB2)) == [Sentence(("Al", "Qaim", "is", "Iraqi"), ("B-LOC", "I-LOC", "O", "B-OTH"))]


def test_names_of_a_dropped_label_are_outside(file):
    assert read_iob2(file(IOB2), drop=("OTH",))[0].tags == ("B-LOC", "I-LOC", "O", "O")


def test_a_stray_b_o_is_outside(file):
    assert read_iob2(file("1\tx\tB-O\t-\t-\n2\ty\tB-PER\t-\t-\n"))[0].tags == ("O", "B-PER")


def test_words_are_split_into_characters_under_one_name(file):
    path = file("1\t北京\tB-LOC\t-\t-\n2\t大学\tI-LOC\t-\t-\n3\t的\tO\t-\t-\n4\t不同\tO\t-\t-\n")
    assert read_iob2(path, characters=True) == [
        Sentence(tuple("北京大学的不同"), ("B-LOC", "I-LOC", "I-LOC", "I-LOC", "O", "O", "O"))
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# x\n1\ta\tO\t-\n", "2: 4 columns; a token's line has 3 or 5, separated by tabs"),
        ("1\ta\tI-PER\t-\t-\n", "1: I-PER may not begin a sentence in BIO"),
        ("1\t\tO\t-\t-\n", "1: the token is empty"),
        ("# only a comment\n", "1: the file holds no sentence"),
    ],
)
def test_malformed_uner_files_are_refused(file, content, message):
    assert refusal(read_iob2, file(content)) == message


def zipped(text: str, encoding: str = "utf-8") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside", text.encode(encoding))
    return content.getvalue()


def gmb_csv(*sentences: list[tuple[str, str]]) -> str:
    content = io.StringIO(newline="")
    rows = csv.writer(content)
    rows.writerow(["Sentence #", "Word", "POS", "Tag"])
    for number, sentence in enumerate(sentences, start=1):
        for position, (token, tag) in enumerate(sentence):
            rows.writerow([f"Sentence: {number}" if position == 0 else "", token, "X", tag])
    return content.getvalue()


def test_gmb_is_read_in_its_old_encoding(file):
    path = file(zipped(gmb_csv([("Caf\xe9", "B-org"), ('"', "O"), ("10,000", "O")]), "cp1252"))
    assert read_gmb(path, "dev") == [Sentence(("Caf\xe9", '"', "10,000"), ("B-org", "O", "O"))]


def test_gmb_is_split_by_blocks_of_twenty(file):
    path = file(zipped(gmb_csv(*[[(f"s{index}", "O")] for index in range(400)])))
    parts = {split: [int(s.tokens[0][1:]) for s in read_gmb(path, split)] for split in ("train", "dev", "test")}
    # MD5 of gmb0, gmb1, ... gmb19 modulo 100: 88 41 40 48 72 91 99 60 64 47 31 23 29 64 83 71 8 89 65 37
    blocks = {"dev": [0, 14, 17], "test": [5, 6]}
    blocks["train"] = [block for block in range(20) if block not in blocks["dev"] + blocks["test"]]
    assert parts == {
        split: [20 * block + place for block in numbers for place in range(20)] for split, numbers in blocks.items()
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sentence #,Word,POS,Tag\nSentence: 1,a,X,O\n,b,X\n", "3: 3 columns; a token's row has 4"),
        ("Sentence #,Word,POS,Tag\nSentence: 1,a,X,O\n,b,X,I-per\n", "3: I-per may not follow O in BIO"),
        ('Sentence #,Word,POS,Tag\nSentence: 1,"a"b,X,O\n', "2: ',' expected after '\"'"),
        ("Sentence #,Word,POS,Tag\n", "1: the file holds no sentence"),
        ("", "1: the file holds no sentence"),
    ],
)
def test_malformed_gmb_files_are_refused(file, text, message):
    assert refusal(read_gmb, file(zipped(text)), "dev") == message


def test_what_is_no_zip_is_refused(file):
    assert "1: the zip cannot be unpacked" in refusal(read_gmb, file(b"PK not really"), "train")


def test_a_damaged_zip_is_refused(file):
    content = bytearray(zipped("a\tO\n" * 100))
    content[40] ^= 0xFF
    assert "1: the zip cannot be unpacked" in refusal(read_msra_train, file(bytes(content)), "train")


def test_msra_is_split_by_blocks_of_twenty(file):
    path = file(zipped("".join(f"{index}\tO\n\n" for index in range(400))))
    train, dev = ([int(s.tokens[0]) for s in read_msra_train(path, split)] for split in ("train", "dev"))
    # MD5 of msra0 to msra19 modulo 10 is 0 for two blocks
    assert dev == [*range(140, 160), *range(240, 260)]
    assert train == [index for index in range(400) if index not in dev]


def test_a_name_cut_in_two_by_msra_becomes_two(file):
    path = file(zipped("深\tB-LOC\n\n圳\tI-LOC\n"))
    assert [s.tags for s in read_msra_train(path, "train")] == [("B-LOC",), ("B-LOC",)]


def test_the_labels_of_msras_test_set_get_their_usual_names(file):
    path = file("中 B-NT\n共 E-NT\n京 S-NS\n邓 B-NR\n小 M-NR\n平 E-NR\n的 O\n")
    assert read_msra_test(path)[0].tags == ("B-ORG", "I-ORG", "B-LOC", "B-PER", "I-PER", "I-PER", "O")


def test_weibos_digits_are_dropped(file):
    assert read_weibo(file("李0\tB-PER.NAM\n开1\tI-PER.NAM\n70\tO\n")) == [
        Sentence(("李", "开", "7"), ("B-PER.NAM", "I-PER.NAM", "O"))
    ]


def test_a_weibo_name_that_changes_its_label_becomes_two(file):
    assert read_weibo(file("李0\tB-PER.NAM\n总1\tI-PER.NOM\n"))[0].tags == ("B-PER.NAM", "B-PER.NOM")


def test_clueners_inclusive_spans_become_tags(file):
    path = file(
        jsonl({"text": "彭小军在台湾", "label": {"name": {"彭小军": [[0, 2]]}, "address": {"台湾": [[4, 5]]}}})
    )
    assert read_cluener(path) == [
        Sentence(tuple("彭小军在台湾"), ("B-name", "I-name", "I-name", "O", "B-address", "I-address"))
    ]


def test_of_clueners_overlapping_spans_the_longest_is_kept(file):
    path = file(jsonl({"text": "abcd", "label": {"x": {"ab": [[0, 1]]}, "y": {"bcd": [[1, 3]]}}}))
    assert read_cluener(path)[0].tags == ("O", "B-y", "I-y", "I-y")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "ab", "label": {}}\n{"text": "ab"\n', "2: not JSON: Expecting ',' delimiter at column 14"),
        ('{"text": "ab"}\n', '1: not {"text": ..., "label": {label: {name: [[start, end]]}}}'),
        ('{"text": "ab", "label": ["x"]}\n', '1: not {"text": ..., "label": {label: {name: [[start, end]]}}}'),
        (
            '{"text": "ab", "label": {"x": {"b": [[1, 2]]}}}\n',
            "1: Span(start=1, end=3, label='x') is empty or outside",
        ),
        ("\n", "1: the file holds no sentence"),
    ],
)
def test_malformed_cluener_files_are_refused(file, content, message):
    assert refusal(read_cluener, file(content)).startswith(message)


def document(title: str, *mentions: tuple[int, int, int, str]) -> dict[str, object]:
    """A document of DocRED with two sentences; a mention is sentence, start, end and type."""
    entities = [[{"sent_id": n, "pos": [start, end], "type": label}] for n, start, end, label in mentions]
    return {"title": title, "sents": [["University", "of", "Bonn"], ["Ann", "left", "."]], "vertexSet": entities}


# The hash of a title decides the split: Alpha is train, Omicron dev, North Iota test.
def test_a_document_of_docred_gives_its_sentences_with_the_mentions_of_all_entities(file):
    path = file(json.dumps([document("Alpha", (1, 0, 1, "PER"), (0, 2, 3, "LOC"), (0, 0, 1, "ORG"))]))
    assert read_docred(path, "train") == [
        Sentence(("University", "of", "Bonn"), ("B-ORG", "O", "B-LOC")),
        Sentence(("Ann", "left", "."), ("B-PER", "O", "O")),
    ]


def test_of_mentions_of_docred_that_overlap_the_longest_is_kept(file):
    path = file(json.dumps([document("Alpha", (0, 2, 3, "LOC"), (0, 0, 3, "ORG"), (0, 0, 3, "ORG"))]))
    assert read_docred(path, "train")[0].tags == ("B-ORG", "I-ORG", "I-ORG")


def test_a_document_of_docred_is_in_one_split_whichever_file_it_is_in(file):
    titles = {"train": "Alpha", "dev": "Omicron", "test": "North Iota"}
    path = file(json.dumps([document(title, (1, 0, 1, title)) for title in titles.values()]))
    for split, title in titles.items():
        assert [names(sentence) for sentence in read_docred(path, split)] == [[], [("Ann", title)]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"title": "Alpha", "sents": [["a"]]}], "1: not a document with title, sents and vertexSet"),
        ([document("Alpha", (2, 0, 1, "PER"))], "1: not a document with title, sents and vertexSet"),
        ([document("Alpha", (0, 2, 4, "LOC"))], "1: Alpha: Span(start=2, end=4, label='LOC') is empty or outside"),
        ([document("North Iota")], "1: the file holds no sentence"),
    ],
)
def test_malformed_docred_files_are_refused(file, content, message):
    assert refusal(read_docred, file(json.dumps(content)), "train").startswith(message)


# -- annotators' spans -------------------------------------------------------------------------------------------

TEXT = "Ann Lee went to Bonn."
NAMES = [("Ann Lee", "PER"), ("Bonn", "LOC")]


def label_studio(text: str = TEXT, **annotation: object) -> dict[str, object]:
    result = [
        {"type": "labels", "value": {"start": 16, "end": 20, "text": "Bonn", "labels": ["LOC"]}},
        {"type": "labels", "value": {"start": 0, "end": 7, "text": "Ann Lee", "labels": ["PER"]}},
        {"type": "choices", "value": {"choices": ["news"]}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
    ]
    return {"id": 1, "data": {"text": text}, "annotations": [{"result": result, **annotation}]}


@pytest.mark.parametrize(
    "record",
    [
        {"id": 7, "text": TEXT, "label": [[16, 20, "LOC"], [0, 7, "PER"]]},
        {"text": TEXT, "labels": [[0, 7, "PER"], [16, 20, "LOC"]]},
        {
            "text": TEXT,
            "entities": [
                {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 7},
                {"id": 2, "label": "LOC", "start_offset": 16, "end_offset": 20},
            ],
            "relations": [],
        },
        {
            "text": TEXT,
            "spans": [{"start": 0, "end": 7, "label": "PER"}, {"start": 16, "end": 20, "label": "LOC"}],
            "answer": "accept",
            "label": "PER",
        },
        {"text": TEXT, "ents": [{"start": 0, "end": 7, "label": "PER"}, {"start": 16, "end": 20, "label": "LOC"}]},
        {"text": TEXT, "entities": [[0, 7, "PER"], [16, 20, "LOC"]]},
        label_studio(),
        {**label_studio(), "data": {"id": 5, "body": TEXT}},
    ],
    ids=["doccano", "doccano-old", "doccano-relations", "prodigy", "spacy-doc", "spacy", "label-studio", "other-key"],
)
def test_every_annotators_export_gives_the_same_sentence(file, record):
    (sentence,) = read_spans(file(jsonl(record)))
    assert sentence.tokens == ("Ann", "Lee", "went", "to", "Bonn", ".")
    assert names(sentence) == NAMES


def test_an_array_of_tasks_is_read_like_lines(file):
    records = [label_studio(), label_studio()]
    lines = read_spans(file(jsonl(*records)))
    assert read_spans(file(json.dumps(records))) == lines
    assert read_spans(file(json.dumps(records, indent=2))) == lines


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "spans": [], "answer": "reject"},
        {"text": TEXT, "spans": [], "answer": "ignore"},
        label_studio(was_cancelled=True),
        {"data": {"text": TEXT}, "annotations": []},
    ],
)
def test_a_record_that_was_not_accepted_is_left_out(file, record):
    kept = {"text": "Kept.", "label": []}
    assert [s.tokens for s in read_spans(file(jsonl(record, kept)))] == [("Kept", ".")]


def test_a_text_without_names_is_all_outside(file):
    assert read_spans(file(jsonl({"text": "No one", "answer": "accept"})))[0].tags == ("O", "O")


def test_a_token_is_cut_where_a_span_begins_or_ends_in_it(file):
    (sentence,) = read_spans(file(jsonl({"text": "pre-Ferrarized", "label": [[4, 11, "ORG"]]})))
    assert "".join(sentence.tokens) == "pre-Ferrarized"
    assert names(sentence) == [("Ferrari", "ORG")]


def test_spans_that_touch_stay_two_names(file):
    (sentence,) = read_spans(file(jsonl({"text": "AnnBob", "label": [[0, 3, "PER"], [3, 6, "PER"]]})))
    assert sentence == Sentence(("Ann", "Bob"), ("B-PER", "B-PER"))


def test_white_space_at_the_edges_of_a_span_does_not_count(file):
    (sentence,) = read_spans(file(jsonl({"text": "in  Bonn  now", "label": [[2, 10, "LOC"]]})))
    assert names(sentence) == [("Bonn", "LOC")]


def test_sentences_of_one_text_are_apart(file):
    text = "He saw Ann. She saw Bob."
    sentences = read_spans(file(jsonl({"text": text, "label": [[7, 10, "PER"], [20, 23, "PER"]]})))
    assert [names(sentence) for sentence in sentences] == [[("Ann", "PER")], [("Bob", "PER")]]


def test_a_span_across_sentences_makes_them_one(file):
    text = "He saw it. She saw Ann. They left. All did."
    sentences = read_spans(file(jsonl({"text": text, "label": [[19, 28, "X"]]})))
    assert [len(sentence.tokens) for sentence in sentences] == [4, 7, 3]
    assert names(sentences[1]) == [("Ann . They", "X")]


def test_a_span_over_all_sentences_makes_them_one(file):
    text = "It was. It is. It ends."
    assert len(read_spans(file(jsonl({"text": text, "label": [[0, 23, "X"]]})))) == 1


def test_offsets_count_code_points(file):
    (sentence,) = read_spans(
        file(jsonl({"text": "\U0001f600 Ann e\u0301 Bob", "label": [[2, 5, "PER"], [9, 12, "PER"]]}))
    )
    assert names(sentence) == [("Ann", "PER"), ("Bob", "PER")]


def test_a_quotation_elsewhere_than_its_span_is_refused(file):
    message = refusal(read_spans, file(jsonl(label_studio("\U0001f600" + TEXT))))
    assert message.startswith("1: span 16-20 'LOC' is ' Bon', not 'Bonn': offsets must count code points")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": TEXT, "label": [[0, 7, "A"], [4, 9, "B"]]}, "span 4-9 'B' overlaps span 0-7 'A'"),
        ({"text": TEXT, "label": [[0, 7, "A"], [0, 7, "A"]]}, "span 0-7 'A' overlaps span 0-7 'A'"),
        ({"text": TEXT, "label": [[0, 22, "A"]]}, "span 0-22 'A' is outside the text of 21 characters"),
        ({"text": TEXT, "label": [[-3, 2, "A"]]}, "span -3-2 'A' is outside the text of 21 characters"),
        ({"text": "", "label": [[0, 1, "A"]]}, "span 0-1 'A' is outside the text of 0 characters"),
        ({"text": TEXT, "label": [[4, 4, "A"]]}, "span 4-4 'A' is empty"),
        ({"text": TEXT, "label": [[7, 4, "A"]]}, "span 7-4 'A' is empty"),
        ({"text": TEXT, "label": [[3, 4, "A"]]}, "span 3-4 'A' holds white space only"),
        ({"text": "a ", "label": [[1, 2, "A"]]}, "span 1-2 'A' holds white space only"),
        ({"text": TEXT, "label": [[0, 3.5, "A"]]}, "a span's start and end are whole numbers"),
        ({"text": TEXT, "label": [[True, 3, "A"]]}, "a span's start and end are whole numbers"),
        (
            {"text": TEXT, "spans": [{"start": 0, "label": "A"}]},
            "a span has start, end and label; this one has start, label",
        ),
        (
            {"text": TEXT, "entities": [{"start": 0, "end": 3, "entity_group": "A"}]},
            "a span has start, end and label; this one has start, end, entity_group",
        ),
        ({"text": TEXT, "label": [[0, 3, ""]]}, "span 0-3 needs one label, a string"),
        ({"text": TEXT, "label": [[0, 3, 5]]}, "span 0-3 needs one label, a string"),
        ({"text": TEXT, "spans": [{"start": 0, "end": 3}]}, "span 0-3 needs one label, a string"),
        (
            {"text": TEXT, "spans": [{"start": 0, "end": 3, "labels": ["A", "B"]}]},
            "span 0-3 has 2 labels, A, B; a name has one",
        ),
        ({"text": TEXT, "label": [[0, 3]]}, "a span is [start, end, label] or an object with start, end and label"),
        ({"text": TEXT, "label": ["A"]}, "a span is [start, end, label] or an object with start, end and label"),
        ({"text": TEXT}, "there is no list of spans; looked for spans, ents, entities, label, labels"),
        ({"text": TEXT, "label": "A"}, "there is no list of spans; looked for spans, ents, entities, label, labels"),
        ({"label": []}, 'there is no "text"; its fields are label'),
        ({}, 'there is no "text"'),
        ({"text": 5, "label": []}, "text is a number, not a string"),
        ({"text": TEXT, "spans": [], "answer": "maybe"}, "answer is 'maybe'; expected accept, reject, ignore"),
        (["a"], "a record is an object, not an array"),
        (None, "a record is an object, not null"),
        ({"annotations": 5}, "annotations is not a list of objects"),
        ({"annotations": [{}]}, "result is not a list of objects"),
        ({"annotations": [{"result": []}]}, 'there is no "data"'),
        ({"annotations": [{"result": []}], "data": {}}, 'data has no "text", and 0 other strings'),
        (
            {"annotations": [{"result": []}], "data": {"dialogue": []}},
            'data has no "text", and 0 other strings; its fields are dialogue',
        ),
        (
            {
                "data": {"html": "<p>Ada"},
                "annotations": [{"result": [{"value": {"start": "/p", "hypertextlabels": []}}]}],
            },
            "a region has hypertextlabels: only those of <Labels> in a <Text> are read, with offsets in plain text",
        ),
        ({"data": {"text": "a"}, "annotations": [{"result": []}, {}]}, "result is not a list of objects"),
    ],
)
def test_a_malformed_record_is_refused_with_its_line(file, record, message):
    content = jsonl({"text": "Good.", "label": []}, record)
    assert refusal(read_spans, file(content)) == f"2: {message}"
    in_array = json.dumps([{"text": "Good.", "label": []}, record]).replace("}, ", "},\n", 1)
    assert refusal(read_spans, file(in_array)) == f"2: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "1: the file holds no sentence"),
        ("[]", "1: the file holds no sentence"),
        ('{"text": " ", "label": []}', "1: the file holds no sentence"),
        (
            '{"text": "a", "label": []}\n{"text": "b"',
            "2: not JSON: Expecting ',' delimiter at column 13, where it ends too early",
        ),
        ('{"text": "a", "label": []}\n{"text": "b', "2: not JSON: Unterminated string starting at column 10"),
        ("{'text': 'a', 'label': []}", "1: not JSON but a printed dict of Python: write it with json.dumps"),
        ('{"text": "a", "label": []}\n\nnonsense', "3: not JSON: Expecting value at column 1"),
        ('[\n{"text": "a", "label": []}\n{"text"', "3: not JSON: expected a comma or the end of the array"),
        ('[\n{"text": "a", "label": []},\n]', "3: not JSON: Expecting value at column 1"),
        ('[\n{"text": "a", "label": []}', "2: not JSON: expected a comma or the end of the array"),
        ('[{"text": "a", "label": []}]\n{}', "2: something stands behind the JSON array"),
        ('{"text": "\\ud83d", "label": []}', "1: the text holds half a surrogate pair"),
        (b'{"text": "a", "label": []}\n{"text": "\xe9"}', "2: byte 0xe9 is not UTF-8: save the file as UTF-8"),
        ("[" * 100_000, "1: not JSON that can be read: it is nested too deeply"),
        ('{"a":' * 100_000, "1: not JSON that can be read: it is nested too deeply"),
        ("9" * 5_000, "1: not JSON that can be read: a number is too long"),
    ],
    ids=range(16),
)
def test_malformed_json_is_refused_with_its_line(file, content, message):
    assert refusal(read_spans, file(content)) == message


@pytest.mark.parametrize(
    ("scheme", "tags", "bio"),
    [
        ("bilou", "U-A B-A I-A L-A U-A O", "B-A B-A I-A I-A B-A O"),
        ("bilou", "B-A L-A B-B L-B", "B-A I-A B-B I-B"),
        ("bare", "A A O B-side B", None),
        ("bare", "A A O PER A", "B-A I-A O B-PER B-A"),
    ],
)
def test_bilou_and_bare_labels_become_bio(scheme, tags, bio):
    if bio is None:
        with pytest.raises(TagError, match="'B-side' is not a bare label"):
            to_bio(tags.split(), scheme)
    else:
        assert to_bio(tags.split(), scheme) == tuple(bio.split())


# -- the front door ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.jsonl", '{"text": "Ann", "label": [[0, 3, "PER"]]}\n'),
        ("own.json", '[{"text": "Ann", "label": [[0, 3, "PER"]]}]'),
        ("own.txt", '\ufeff{"text": "Ann", "label": [[0, 3, "PER"]]}\n'),
        ("own", '[\n {"text": "Ann", "label": [[0, 3, "PER"]]}\n]'),
        ("own.conll", "Ann\tB-PER\n"),
        ("own.bio", "Ann NNP B-NP I-PER\n"),
        ("own.txt", "Ann\tS-PER\n"),
        ("own.iob2", "# text = Ann\n1\tAnn\tB-PER\t-\t-\n"),
    ],
)
def test_a_file_of_ones_own_is_read_by_its_name_or_beginning(file, name, content):
    assert read(file(content, name)) == [Sentence(("Ann",), ("B-PER",))]


@pytest.mark.parametrize("first", ["[", "{", '{"', "[{"])
def test_a_bracket_as_first_token_does_not_make_columns_json(file, first):
    assert read(file(f"{first}\tO\n"))[0].tokens == (first,)


def test_the_front_door_keeps_to_a_stated_scheme(file):
    assert refusal(read, file("a\tI-X\n"), Reading(scheme="bio")) == "1: I-X may not begin a sentence in BIO"

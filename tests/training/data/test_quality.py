"""What is found in annotated files, with its place, and what a cleaned copy holds."""

import json
from pathlib import Path

import pytest

from nerve.training.data.formats import Reading, load
from nerve.training.data.quality import mending, report
from nerve.training.data.quality.examined import Examined, examine
from nerve.training.data.quality.findings import ERROR, WARNING, Finding, findings

NAMES = ["Anna", "Boris", "Clara", "Dmitri", "Elena", "Frank", "Greta", "Hugo", "Ida", "Jan", "Kim", "Lea"]


def record(name: str, label: str = "PER", before: str = "Yesterday evening I saw ") -> dict[str, object]:
    return {"text": f"{before}{name} there.", "label": [[len(before), len(before) + len(name), label]]}


GOOD = [record(name) for name in NAMES]
HELD_OUT = [record(name, before="This morning they met ") for name in NAMES[:4]]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes files of JSON lines, or of the given text, and examines them."""
    monkeypatch.chdir(tmp_path)

    def write(train: list[dict[str, object]] | str, *held_out: list[dict[str, object]] | str) -> list[Examined]:
        paths = []
        for name, content in zip(("train", "dev", "test"), (train, *held_out), strict=False):
            paths.append(Path(name))
            text = content if isinstance(content, str) else "".join(json.dumps(one) + "\n" for one in content)
            paths[-1].write_text(text, encoding="utf-8")
        return examine(paths)

    return write


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_nothing_is_found_in_good_files(files) -> None:
    examined = files(GOOD, HELD_OUT)
    assert findings(examined) == []
    text = report.text(examined, [])
    assert text.endswith("training makes sense: nothing was found to be wrong")
    assert "train  doccano     12         12      84     12" in text
    assert "PER       12    4  Anna, Boris, Clara, Dmitri" in text


SPAN = {"text": "Ada Lee saw Bonn today.", "label": [[0, 3, "PER"], [0, 7, "PER"]]}
LONG = {"text": "Ada " + "saw it and " * 100 + "left.", "label": [[0, 3, "PER"]]}


@pytest.mark.parametrize(
    ("train", "severity", "fact", "place"),
    [
        ([*GOOD, SPAN], ERROR, "spans that overlap, in 1 place", "train:13: span 0-7 'PER' overlaps span 0-3 'PER'"),
        ([*GOOD, {"text": "a", "label": [[0, 9, "X"]]}], ERROR, "spans that cannot be read, in 1 place",
         "train:13: span 0-9"),
        ([*GOOD, {"words": 5}], ERROR, "records that cannot be read, in 1 place", 'train:13: there is no "text"'),
        ([{"text": "Nobody came.", "label": []}], ERROR, "a file without names", "train:1: 1 sentence, and no name"),
        ("a b\n", ERROR, "a file cannot be read", "train:1: the last of 2 columns holds no tags"),
        ("17 B-X\n18 O\nit O\n\n" * 12, ERROR, "most tokens are numbers", "train:1: 24 of 36 tokens"),
        ([*GOOD, record("Oslo", "LOC")], WARNING, "1 label has fewer than 10 names", "train:13: LOC has 1 name"),
        ([*GOOD, GOOD[0]], WARNING, "1 text of train repeated", "train:13: is train:1 again"),
        ([*GOOD, {**GOOD[0], "label": []}], WARNING, "1 text was there before, with other names",
         "train:13: Anna PER; see train:1"),
        ([*GOOD, {"text": "I saw Londons.", "label": [[6, 12, "PER"]]}], WARNING,
         "1 span begins or ends inside a word", "train:13: PER 'London'"),
        ("Ada B_X\nran O\n\n" * 12, WARNING, "all labels of train look like tags", "train:1: B_X: Ada"),
        ([*GOOD, LONG], WARNING, "1 sentence has more than 200 tokens", "train:13: 303 tokens"),
        ([*GOOD, {"text": "a " * 20, "label": [[0, 39, "PER"]]}], WARNING, "1 name has more than 15 tokens",
         "train:13: PER a a a a a a …"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_found_with_its_line(files, train, severity, fact, place) -> None:
    finding = only(findings(files(train)))
    assert (finding.severity, finding.fact) == (severity, fact)
    assert finding.places[0].startswith(place)


def test_offsets_that_do_not_fit_are_an_error_with_the_units_that_do(files) -> None:
    inclusive = [{**one, "label": [[a, b - 1, label] for a, b, label in one["label"]]} for one in GOOD]
    finding = only(findings(files(inclusive)))
    assert (finding.severity, finding.fact) == (ERROR, "offsets do not fit the words")
    assert finding.places[0].startswith(
        "train:1: 12 of 12 spans begin or end inside a word; as code points with incl"
    )


@pytest.mark.parametrize(
    ("dev", "fact", "place"),
    [
        ([*HELD_OUT, GOOD[3]], "1 text of dev (20%) in train too", "dev:5: is train:4 too"),
        ([*HELD_OUT, record("Bonn", "LOC", "So we went to ")], "1 label of dev never occurs in the training file",
         "dev:5: LOC: Bonn"),
        ([{"text": "Nobody came to the house.", "label": []}], "a file without names",
         "dev:1: 1 sentence, and no name"),
    ],
)  # fmt: skip
def test_what_is_wrong_between_files_is_found(files, dev, fact, place) -> None:
    finding = only(findings(files(GOOD, dev)))
    assert (finding.severity, finding.fact, finding.places[0]) == (WARNING, fact, place)


def shouted(one: dict[str, object]) -> dict[str, object]:
    return {**one, "text": str(one["text"]).upper()}


@pytest.mark.parametrize("again", [{**GOOD[3], "text": "Yesterday evening I saw Dmitri  there ."}, shouted(GOOD[3])])
def test_a_text_in_other_spacing_or_case_is_the_same_text(files, again) -> None:
    finding = only(findings(files(GOOD, [*HELD_OUT, again])))
    assert (finding.fact, finding.places[0]) == ("1 text of dev (20%) in train too", "dev:5: is train:4 too")


def test_a_text_of_dev_in_test_is_found_too(files) -> None:
    finding = only(
        findings(files(GOOD, HELD_OUT, [shouted(HELD_OUT[2]), record("Bo", before="At last we all saw ")]))
    )
    assert (finding.fact, finding.places) == ("1 text of test (50%) in dev too", ("test:1: is dev:3 too",))


def test_a_document_with_sentences_in_two_files_is_found(files) -> None:
    train = [{**one, "doc_id": f"a{n}"} for n, one in enumerate(GOOD)]
    dev = [{**one, "doc_id": f"a{n + 10}"} for n, one in enumerate(HELD_OUT)]
    finding = only(findings(files(train, dev)))
    assert (finding.severity, finding.fact) == (WARNING, "2 documents of dev begun in train")
    assert finding.places == ("dev:1: of a10, as is train:11", "dev:2: of a11, as is train:12")


@pytest.mark.parametrize("name", ["news", "document {}"])
def test_a_source_of_all_records_or_a_count_names_no_document(files, name: str) -> None:
    train = [{**one, "doc_id": name.format(n)} for n, one in enumerate(GOOD)]
    dev = [{**one, "doc_id": name.format(n)} for n, one in enumerate(HELD_OUT)]
    assert findings(files(train, dev)) == []


@pytest.mark.parametrize(
    ("label", "alike"), [("Per", True), ("P.E.R", True), ("PERS", True), ("PRE", True), ("POR", True), ("LOC", False)]
)
def test_a_rare_label_that_looks_like_another_is_found(files, label: str, alike: bool) -> None:
    found = findings(files([*GOOD, record("Zoe", label)]))
    looks = [finding for finding in found if "looks like" in finding.fact]
    assert bool(looks) == alike
    if alike:
        assert looks[0].places == (f"train:13: {label} (1 name) looks like PER (12 names): --map {label}=PER",)


def test_labels_that_differ_in_white_space_alone_are_found(files) -> None:
    texts = [record(name, before=f"{before} I saw ") for name in NAMES for before in ("Yesterday", "Today")]
    for one in texts[::2]:
        one["label"][0][2] = "PER "
    finding = only(findings(files(texts)))
    assert finding.places == ("train:1: PER  (12 names) looks like PER (12 names): --map 'PER =PER'",)


@pytest.mark.parametrize(("lengths", "median", "most_of_them"), [(1, 1, 1), (2, 2, 2), (20, 11, 19), (100, 51, 95)])
def test_the_measure_of_95_percent_is_the_least_length_that_so_many_do_not_exceed(
    files, lengths: int, median: int, most_of_them: int
) -> None:
    (file,) = files([{"text": "a " * length, "label": [[0, 1, "X"]]} for length in range(1, lengths + 1)])
    assert report.to_json([file], [])["files"][0]["sentence_tokens"] == [median, most_of_them, lengths]


def test_the_examples_of_chinese_names_are_written_as_chinese_is(files) -> None:
    (file,) = files([{"text": "艾达去了伦敦。", "label": [[0, 2, "人物"], [4, 6, "地点"]]}])
    assert (file.examples("人物"), file.examples("地点")) == ("艾达", "伦敦")


def test_findings_are_ranked_by_severity_and_then_by_number(files) -> None:
    found = findings(files([*GOOD, SPAN, GOOD[0], GOOD[1], LONG]))
    assert [(finding.severity, finding.size) for finding in found] == [(ERROR, 1), (WARNING, 2), (WARNING, 1)]


def test_the_report_is_json_too(files) -> None:
    examined = files([*GOOD, SPAN])
    result = json.loads(json.dumps(report.to_json(examined, findings(examined))))
    assert (result["files"][0]["names"], result["trainable"]) == ({"PER": 13}, False)


def test_a_cleaned_copy_has_no_finding_that_can_be_mended(files) -> None:
    examined = files([*GOOD, SPAN, GOOD[0], HELD_OUT[0], {"words": 5}], HELD_OUT)
    (copy,) = mending.clean(examined, Reading())
    assert (copy.path, copy.format) == (Path("train.clean.jsonl"), "doccano")
    assert findings(examine([copy.path, Path("dev")])) == []
    assert copy.report.read_text().splitlines() == [
        "train:13: span 0-7 'PER' overlaps span 0-3 'PER': the longer one is kept",
        "train:14: is train:1 again: it is left out",
        "train:15: is held out too: it is left out",
        'train:16: there is no "text"; its fields are words: it is left out',
    ]


def test_a_text_stays_in_the_last_file_that_has_it(files) -> None:
    examined = files(
        [*GOOD, shouted(HELD_OUT[0])], [*HELD_OUT, record("Bo", before="At last we all saw ")], [HELD_OUT[1]]
    )
    copies = mending.clean(examined, Reading())
    assert [copy.path.name for copy in copies] == ["train.clean.jsonl", "dev.clean.jsonl"]
    assert [copy.changes for copy in copies] == [
        ("train:13: is held out too: it is left out",),
        ("dev:2: is held out too: it is left out",),
    ]
    assert findings(examine([*(copy.path for copy in copies), Path("test")])) == []


def test_a_cleaned_copy_has_offsets_that_fit(files) -> None:
    before = "😀 I met "
    content = [{"text": f"{before}{name} there today.", "label": [[9, 9 + len(name), "PER"]]} for name in NAMES]
    (copy,) = mending.clean(files(content), Reading())
    assert [document.as_text().spans[0].start for document in load(copy.path).faultless()] == [8] * 12


def test_columns_behind_an_index_are_cleaned_as_columns(files) -> None:
    (copy,) = mending.clean(files("1\tAda\tB-X\n2\tLee\tI-Y\n\n1\tBonn\tB-X\n2\tran\tO\n"), Reading())
    assert copy.path == Path("train.clean.conll")
    assert copy.path.read_text() == "Ada\tB-X\nLee\tB-Y\n\nBonn\tB-X\nran\tO\n\n"


def test_good_files_are_not_copied(files) -> None:
    assert mending.clean(files(GOOD, HELD_OUT), Reading()) == []

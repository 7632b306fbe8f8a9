"""Every field of an archive with wrong values and right checksums: refused in one line, however it is loaded."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import torch

from nerve.model.archive import Archive, ArchiveError, load, save
from nerve.model.container import content_digest
from nerve.model.contents import read_contents
from nerve.model.metadata import Metadata
from nerve.model.tagger import Tagger

MISSING = object()
NAN = float("nan")


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name.partition("/")[2]: file.read(name) for name in file.namelist()}


def write(path: Path, entries: dict[str, bytes]) -> None:
    """Write the entries with the right checksums and the right digest."""
    entries["extra/sha256"] = content_digest(entries).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(f"archive/{name}", content)


def change_json(path: Path, entry: str, place: tuple[str | int, ...], value: object) -> None:
    entries = contents(path)
    whole = json.loads(entries[entry])
    inner = whole
    for key in place[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    entries[entry] = json.dumps(whole).encode()
    write(path, entries)


def assert_refused(path: Path) -> None:
    for weights_only in (False, True):
        with pytest.raises(ArchiveError) as caught:
            load(path, weights_only=weights_only).self_check()
        assert str(caught.value).startswith(f"{path}: ")
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < len(str(path)) + 400


NOT_A_STRING = (MISSING, None, 7, NAN, True, ["en"], {}, "\ud800")
NOT_A_LIST = (MISSING, None, 7, NAN, "O", {})
WRONG: dict[tuple[str | int, ...], tuple[object, ...]] = {
    ("name",): (*NOT_A_STRING, "", "a\nb", "x" * 201),
    ("description",): NOT_A_STRING,
    ("language",): (*NOT_A_STRING, ""),
    ("licence",): NOT_A_STRING,
    ("code_version",): NOT_A_STRING,
    ("torch",): NOT_A_STRING,
    ("format",): (MISSING, None, "2", 1, 3, 2.5, True, NAN, [2]),
    ("tokenizer",): (MISSING, None, "1", 0, True, NAN, {}),
    ("tags",): (*NOT_A_LIST, [], ["O"] * 5, ["O", "B-PER"], ["O", "X", "B-PER", "I-PER", "B-Y"], [1, 2], [None]),
    ("tags", 1): (None, 3, "PER", "B-", "", "O"),
    ("config",): (MISSING, None, 7, "lstm", [], {"unknown": 1}),
    ("config", "cell"): (None, 1, "gru", "rnn", "transformer"),
    ("config", "hidden_size"): (None, "6", 0, -1, 7, 6.5, NAN, True, 10**30),
    ("config", "layers"): (None, "1", 0, 2, 17, NAN),
    ("config", "bidirectional"): (None, "true", 1, False),
    ("config", "word_size"): (None, "8", 9, NAN),
    ("config", "affix_size"): (None, 4, NAN),
    ("config", "pair_size"): (None, 3, -1, NAN),
    ("config", "lexicon_size"): (None, 3, -1, NAN),
    ("config", "character_size"): (None, 5, NAN),
    ("config", "character_filters"): (None, 6, NAN),
    ("config", "dropout"): (None, "0.5", 1.0, NAN),
    ("config", "word_dropout"): (None, "0.5", -1, NAN),
    ("datasets",): (*NOT_A_LIST, [None], [1], ["gmb"]),
    ("scores",): (MISSING, None, 7, NAN, [], "high", {"a": None}, {"a": 1}, {"a": {"f1": None}}, {"a": {"f1": "1"}}),
    ("scores", "none", "test", "f1"): (NAN, float("inf")),
    ("settings",): (MISSING, None, 7, NAN, [], "none", {"a": NAN}),
    ("examples",): (
        *NOT_A_LIST,
        [None],
        [{}],
        [{"tokens": [], "tags": []}],
        [{"tokens": [""], "tags": ["O"]}],
        [{"tokens": ["a"], "tags": []}],
        [{"tokens": ["a"], "tags": ["B-ORG"]}],
        [{"tokens": "a", "tags": ["O"]}],
        [{"tokens": [1], "tags": ["O"]}],
        [{"tokens": None, "tags": None}],
    ),
}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(place, value, id=f"{'.'.join(map(str, place))}-{n}")
        for place, values in WRONG.items()
        for n, value in enumerate(values)
    ],
)
def test_a_wrong_field_of_the_metadata_is_refused(
    archive_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    change_json(archive_path, "extra/metadata.json", place, value)
    assert_refused(archive_path)


def test_every_field_of_the_metadata_is_in_the_table(metadata: Metadata) -> None:
    fields = {(name,) for name in metadata.to_json()}
    fields |= {("config", name) for name in metadata.to_json()["config"]}
    assert fields <= WRONG.keys()


@pytest.mark.parametrize("table", ["words", "prefixes", "suffixes", "shapes", "characters"])
@pytest.mark.parametrize(
    "value", [MISSING, None, 7, NAN, "text", {}, [], [1, 2], [None], ["a", "a"], ["a"] * 3, ["x", "y", "z"]]
)
def test_a_wrong_table_of_the_vocabulary_is_refused(archive_path: Path, table: str, value: object) -> None:
    change_json(archive_path, "extra/vocabulary.json", (table,), value)
    assert_refused(archive_path)


@pytest.mark.parametrize("value", [[], ["ab"], 7, "ab"])
@pytest.mark.parametrize("table", ["pairs", "lexicon"])
def test_pairs_or_a_lexicon_that_the_configuration_does_not_know_are_refused(
    archive_path: Path, table: str, value: object
) -> None:
    change_json(archive_path, "extra/vocabulary.json", (table,), value)
    assert_refused(archive_path)


@pytest.mark.parametrize("entry", ["extra/metadata.json", "extra/vocabulary.json"])
@pytest.mark.parametrize("content", [b"", b"null", b"7", b"[]", b'"a"', b"{}", b"\xff", b"[" * 100_000, b"9" * 5_000])
def test_json_of_another_kind_is_refused(archive_path: Path, entry: str, content: bytes) -> None:
    write(archive_path, {**contents(archive_path), entry: content})
    assert_refused(archive_path)


# -- weights ---------------------------------------------------------------------------------------------------------

Change = Callable[[bytes], bytes]
CUTS: dict[str, Change] = {
    "cut by 4 bytes": lambda old: old[:-4],
    "cut to nothing": lambda _: b"",
    "longer by 4 bytes": lambda old: old + b"\0\0\0\0",
}


def storages(path: Path) -> list[str]:
    return sorted(name for name in contents(path) if name.startswith("data/"))


@pytest.mark.parametrize("what", CUTS)
def test_every_entry_of_the_weights_that_is_cut_short_or_long_is_refused(
    archive_path: Path, archive_bytes: bytes, what: str
) -> None:
    names = storages(archive_path)
    assert len(names) > 15
    for name in names:
        archive_path.write_bytes(archive_bytes)
        entries = contents(archive_path)
        write(archive_path, {**entries, name: CUTS[what](entries[name])})
        with pytest.raises(ArchiveError, match=r"its weights are wrong: .+"):
            load(archive_path)


def test_every_entry_of_the_weights_that_is_missing_is_refused(archive_path: Path, archive_bytes: bytes) -> None:
    for name in (*storages(archive_path), "data.pkl"):
        archive_path.write_bytes(archive_bytes)
        entries = contents(archive_path)
        del entries[name]
        write(archive_path, entries)
        assert_refused(archive_path)


@pytest.fixture(scope="module")
def make_program(make_tagger: Callable[[], Tagger]) -> Callable[[], Any]:
    """Returns the tagger as a program, the caller's own, which is compiled once for all of them."""
    compiled = io.BytesIO()
    torch.jit.save(torch.jit.script(make_tagger()), compiled)
    return lambda: torch.jit.load(io.BytesIO(compiled.getvalue()))


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf")])
def test_every_weight_that_is_not_finite_is_refused(
    tmp_path: Path,
    make_tagger: Callable[[], Tagger],
    make_program: Callable[[], Any],
    vocabulary: object,
    metadata: Metadata,
    value: float,
) -> None:
    path = tmp_path / "tiny.pt"
    for name in make_tagger().state_dict():
        tagger = make_program()
        with torch.no_grad():
            tagger.state_dict()[name].view(-1)[-1] = value
        export(path, tagger, vocabulary, metadata)
        with pytest.raises(ArchiveError, match=f"{name} holds a number that is not finite"):
            load(path)


def export(path: Path, program: Any, vocabulary: object, metadata: Metadata) -> None:
    """Write an archive without looking at it."""
    content = io.BytesIO()
    torch.jit.save(program, content)
    with zipfile.ZipFile(content) as file:
        entries = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    entries["extra/metadata.json"] = json.dumps(metadata.to_json()).encode()
    entries["extra/vocabulary.json"] = json.dumps(vocabulary.to_json()).encode()  # type: ignore[attr-defined]
    write(path, entries)


RESHAPES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a row less": lambda weight: weight[:-1].clone(),
    "a row more": lambda weight: torch.cat([weight, weight[-1:]]),
    "a dimension more": lambda weight: weight.unsqueeze(0),
    "double precision": torch.Tensor.double,
    "an expanded view": lambda weight: weight[:1].expand_as(weight),
}


@pytest.mark.parametrize("what", RESHAPES)
def test_every_weight_of_another_shape_or_type_is_refused(
    tmp_path: Path,
    make_tagger: Callable[[], Tagger],
    make_program: Callable[[], Any],
    vocabulary: object,
    metadata: Metadata,
    what: str,
) -> None:
    path = tmp_path / "tiny.pt"
    for name in make_tagger().state_dict():
        tagger = make_program()
        *owners, attribute = name.split(".")
        owner = reduce(getattr, owners, tagger)
        weight = RESHAPES[what](getattr(owner, attribute).detach())
        setattr(owner, attribute, torch.nn.Parameter(weight, requires_grad=False))
        export(path, tagger, vocabulary, metadata)
        with pytest.raises(ArchiveError, match="its weights are wrong"):
            load(path)


def test_other_constraints_than_those_of_the_tags_are_refused(
    tmp_path: Path, make_program: Callable[[], Any], vocabulary: object, metadata: Metadata
) -> None:
    for name, _ in make_program().crf.named_buffers():
        tagger = make_program()
        getattr(tagger.crf, name).logical_not_()
        export(tmp_path / "tiny.pt", tagger, vocabulary, metadata)
        with pytest.raises(ArchiveError, match=f"crf.{name} is not what these tags need"):
            load(tmp_path / "tiny.pt")


def test_the_same_program_without_a_change_is_accepted(
    tmp_path: Path, make_program: Callable[[], Any], vocabulary: object, metadata: Metadata
) -> None:
    export(tmp_path / "tiny.pt", make_program(), vocabulary, metadata)
    load(tmp_path / "tiny.pt").self_check()


@pytest.mark.parametrize(
    "pickled",
    [
        b"",
        b"garbage",
        b"N.",
        b"]q\0.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"c__torch__.x\nY\n)\x81.",
        b"c__torch__.x\nY\n)\x81Nb.",
        b"\x80\x02(X\xff\xff\xff\xff.",
        b"Q.",
        b"r\xff\xff\xff\xff.",
    ],
)
def test_a_pickle_that_holds_anything_but_weights_is_refused(archive_path: Path, pickled: bytes) -> None:
    write(archive_path, {**contents(archive_path), "data.pkl": pickled})
    assert_refused(archive_path)


# -- the digest, and what is executed --------------------------------------------------------------------------------


def test_content_that_its_digest_does_not_fit_is_refused(archive_path: Path) -> None:
    entries = contents(archive_path)
    with zipfile.ZipFile(archive_path, "w") as file:
        for name, content in entries.items():
            file.writestr(f"archive/{name}", content.replace(b'"sentences": 0', b'"sentences": 1'))
    for reader in (load, read_contents):
        with pytest.raises(ArchiveError, match="damaged: the digest of its content is wrong"):
            reader(archive_path)


def test_an_archive_without_a_digest_is_read(archive_path: Path) -> None:
    entries = contents(archive_path)
    del entries["extra/sha256"]
    with zipfile.ZipFile(archive_path, "w") as file:
        for name, content in entries.items():
            file.writestr(f"archive/{name}", content)
    assert load(archive_path).name == "tiny"


def test_only_an_archive_with_an_allowed_sha256_is_loaded(archive_path: Path) -> None:
    right, wrong = load(archive_path).digest, "0" * 64
    assert load(archive_path, sha256=[wrong, right]).digest == right
    with pytest.raises(ArchiveError, match=f"its SHA-256 is {right}, which is none of those that are allowed"):
        load(archive_path, sha256=[wrong])


def test_two_entries_of_one_name_are_refused(archive_path: Path) -> None:
    with zipfile.ZipFile(archive_path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("archive/data/0", b"")
    with pytest.raises(ArchiveError, match="damaged: two entries have one name"):
        load(archive_path)


def test_content_that_is_far_larger_than_the_file_is_refused(archive_path: Path) -> None:
    with zipfile.ZipFile(archive_path, "a") as file:
        file.writestr("archive/extra/zeros", bytes(10_000_000), zipfile.ZIP_DEFLATED)
    with pytest.raises(ArchiveError, match="damaged: its content is more than 10 times as large as the file"):
        load(archive_path)


SENTENCES = [["Angela", "Merkel", "visited", "Zorbas"], ["München"]]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cell": "gru", "layers": 2},
        {"cell": "rnn", "bidirectional": False},
        {"pair_size": 3},
        {"pair_size": 3, "lexicon_size": 2},
    ],
)
@pytest.mark.parametrize("quantized", [False, True])
def test_weights_alone_give_the_same_answers_as_the_archive_program(
    tmp_path: Path,
    make_tagger: Callable[..., Tagger],
    vocabulary: object,
    paired_vocabulary: object,
    lexicon_vocabulary: object,
    metadata: Metadata,
    settings: dict[str, object],
    quantized: bool,
) -> None:
    tagger = make_tagger(**settings)
    known = paired_vocabulary if settings.get("pair_size") else vocabulary
    known = lexicon_vocabulary if settings.get("lexicon_size") else known
    if quantized:
        tagger.words.quantize()
    save(tmp_path / "tiny.pt", tagger, known, replace(metadata, config=tagger.config))  # type: ignore[arg-type]
    ran, read = load(tmp_path / "tiny.pt"), load(tmp_path / "tiny.pt", weights_only=True)
    assert read.decode(SENTENCES) == ran.decode(SENTENCES)
    assert read.embeddings("words.columns.0", "words").equal(ran.embeddings("words.columns.0", "words"))


class Writer(torch.nn.Module):
    """Writes a file when it is loaded."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self) -> None:
        """Do nothing."""

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        torch.ops.aten.save(torch.ones(1), self.path)


def test_the_program_of_an_archive_runs_when_it_is_loaded_and_not_by_weights_alone(
    tmp_path: Path, make_tagger: Callable[[], Tagger], vocabulary: object, metadata: Metadata
) -> None:
    written = tmp_path / "written"
    tagger = make_tagger()
    expected = Archive(make_tagger(), vocabulary, metadata, "cpu").tags(SENTENCES)  # type: ignore[arg-type]
    tagger.spare = Writer(str(written))
    export(tmp_path / "tiny.pt", torch.jit.script(tagger), vocabulary, metadata)
    assert load(tmp_path / "tiny.pt", weights_only=True).tags(SENTENCES) == expected
    assert read_contents(tmp_path / "tiny.pt").metadata.name == "tiny"
    assert not written.exists()
    load(tmp_path / "tiny.pt")
    assert written.exists()

"""The one file: what goes in comes out, and what is not whole, not ours or not of this version stays out."""

import json
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nerve.model import archive, tokenizer
from nerve.model.archive import Archive, ArchiveError, load, main, save
from nerve.model.files import WriteError
from nerve.model.metadata import FORMAT, Example
from nerve.model.tags import spans_of
from tests.support import ROOT
from tests.support.disk import full_disk, real_disk

SENTENCES = [["Angela", "Merkel", "visited", "Zorbas"], ["München"], ["New", "York", ",", "New", "Delhi", "."]]


@pytest.fixture
def examples(make_tagger, vocabulary, metadata):
    """What the tagger of `archive_path` gives for the sentences."""
    tags = Archive(make_tagger(), vocabulary, metadata, "cpu").tags(SENTENCES)
    return tuple(map(Example, map(tuple, SENTENCES), tags))


def wrong(examples):
    """The examples with one tag of one of them changed."""
    first, *rest = examples
    return (Example(first.tokens, ("O" if first.tags[0] != "O" else "B-PER", *first.tags[1:])), *rest)


# -- what goes in comes out ------------------------------------------------------------------------------------------


def test_metadata_and_vocabulary_come_back_equal(tmp_path, make_tagger, vocabulary, metadata, examples):
    metadata = replace(metadata, examples=examples)
    save(tmp_path / "tiny.pt", make_tagger(), vocabulary, metadata)
    loaded = load(tmp_path / "tiny.pt")
    assert loaded.metadata == metadata
    assert loaded.vocabulary == vocabulary


def test_the_loaded_tagger_gives_the_tags_of_the_one_that_was_saved(archive_path, examples):
    assert load(archive_path).tags(SENTENCES) == [example.tags for example in examples]
    assert len({tag for example in examples for tag in example.tags}) > 1


def test_an_archive_tells_its_name_its_labels_and_its_card(archive_path, metadata):
    loaded = load(archive_path)
    assert (loaded.name, loaded.labels) == ("tiny", ("LOC", "PER"))
    card = json.loads(json.dumps(loaded.card))
    assert card["labels"] == ["LOC", "PER"]
    assert card["licence"] == metadata.licence
    assert card["config"]["cell"] == "lstm"
    assert (card["format"], card["tokenizer"], card["torch"]) == (FORMAT, tokenizer.VERSION, str(torch.__version__))


def test_no_sentences_have_no_tags(archive_path):
    assert load(archive_path).tags([]) == []
    assert load(archive_path).decode([]) == []


def test_decoding_gives_each_sentence_its_tags_and_at_the_end_of_each_name_a_confidence(archive_path):
    loaded = load(archive_path)
    decoded = loaded.decode(SENTENCES)
    assert [tags for tags, _ in decoded] == loaded.tags(SENTENCES)
    for words, (tags, confidences) in zip(SENTENCES, decoded, strict=True):
        assert len(confidences) == len(words)
        ends = {span.end - 1 for span in spans_of(tags)}
        assert all((0 < confidence <= 1) is (n in ends) for n, confidence in enumerate(confidences))


def test_the_weights_of_an_archive_are_those_of_the_tagger_by_their_names(archive_path, make_tagger):
    theirs, ours = load(archive_path).weights, make_tagger().state_dict()
    assert ours.keys() <= theirs.keys()
    assert all(theirs[name].equal(weight) for name, weight in ours.items())


def test_an_archive_keeps_frozen_rows_and_gives_out_all_rows_of_a_table(tmp_path, make_tagger, vocabulary, metadata):
    tagger, more = make_tagger(), replace(vocabulary, words=(*vocabulary.words, "zorbas", "delhi"))
    table = tagger.words.tables()["words"]
    table.load_vectors(torch.tensor([2]), torch.ones(1, 8), torch.randn(2, 8))
    tagger.words.quantize()
    save(tmp_path / "tiny.pt", tagger, more, metadata)
    loaded = load(tmp_path / "tiny.pt")
    assert loaded.tags(SENTENCES) == Archive(tagger, more, metadata, "cpu").tags(SENTENCES)
    rows = loaded.embeddings("words.columns.0", "words")
    assert rows.shape == (20, 8)
    assert rows.equal(table(torch.arange(20)))
    assert not rows.is_inference()
    assert loaded.embeddings("words.characters", "characters").shape == (2 + len(more.characters), 4)


@pytest.mark.parametrize("lexicon_size", [0, 2])
def test_an_archive_of_a_tagger_that_looks_at_pairs_keeps_its_pairs_and_its_lexicon(
    lexicon_size, tmp_path, make_tagger, paired_vocabulary, lexicon_vocabulary, metadata
):
    tagger = make_tagger(pair_size=3, lexicon_size=lexicon_size)
    vocabulary = lexicon_vocabulary if lexicon_size else paired_vocabulary
    metadata = replace(metadata, config=tagger.config)
    save(tmp_path / "tiny.pt", tagger, vocabulary, metadata)
    loaded = load(tmp_path / "tiny.pt")
    assert loaded.vocabulary == vocabulary
    assert (loaded.metadata.config.pair_size, loaded.metadata.config.lexicon_size) == (3, lexicon_size)
    assert loaded.tags(SENTENCES) == Archive(tagger, vocabulary, metadata, "cpu").tags(SENTENCES)


def test_an_archive_holds_its_strings_in_utf_8_and_any_string_comes_back(
    tmp_path, make_tagger, lexicon_vocabulary, metadata
):
    tagger = make_tagger(pair_size=3, lexicon_size=2)
    known = replace(lexicon_vocabulary, lexicon=("北京大学", "\ud800x", "\x00\n"))
    save(tmp_path / "tiny.pt", tagger, known, replace(metadata, config=tagger.config))
    with zipfile.ZipFile(tmp_path / "tiny.pt") as file:
        (content,) = (file.read(name) for name in file.namelist() if name.endswith("vocabulary.json"))
    assert "北京大学".encode() in content
    assert load(tmp_path / "tiny.pt").vocabulary == known


def test_the_vocabulary_of_an_archive_is_compressed_and_its_weights_are_not(
    tmp_path, make_tagger, vocabulary, metadata
):
    tagger, more = make_tagger(), replace(vocabulary, words=(*vocabulary.words, *(f"word{n}" for n in range(2_000))))
    tagger.words.tables()["words"].load_vectors(torch.tensor([2]), torch.ones(1, 8), torch.randn(2_000, 8))
    save(tmp_path / "tiny.pt", tagger, more, metadata)
    with zipfile.ZipFile(tmp_path / "tiny.pt") as file:
        smaller = {entry.filename: entry.compress_size / entry.file_size for entry in file.infolist()}
    assert smaller["archive/extra/vocabulary.json"] < 0.5
    assert smaller["archive/data/0"] == 1
    assert load(tmp_path / "tiny.pt").vocabulary == more


def test_an_archive_that_does_not_state_a_setting_has_its_default(archive_path, examples):
    def drop(old):
        found = json.loads(old)
        del found["config"]["pair_size"], found["config"]["lexicon_size"]
        return json.dumps(found).encode()

    rewrite("metadata.json", drop)(archive_path)
    loaded = load(archive_path)
    assert loaded.vocabulary.pairs is None
    assert loaded.vocabulary.lexicon is None
    assert (loaded.metadata.config.pair_size, loaded.metadata.config.lexicon_size) == (0, 0)
    assert loaded.tags(SENTENCES) == [example.tags for example in examples]


@pytest.mark.parametrize("name", ["a model of ours.pt", "模型.pt", "no-suffix", "two.dots.pt"])
def test_an_archive_may_have_any_name(name, tmp_path, make_tagger, vocabulary, metadata):
    save(tmp_path / name, make_tagger(), vocabulary, metadata)
    assert load(tmp_path / name).metadata == metadata


@pytest.mark.parametrize("training", [True, False])
def test_saving_exports_for_tagging_and_leaves_the_tagger_as_it_was(
    training, tmp_path, make_tagger, vocabulary, metadata, examples
):
    tagger = make_tagger(dropout=0.9, word_dropout=0.9).train(training)
    save(tmp_path / "tiny.pt", tagger, vocabulary, metadata)
    assert tagger.training is training
    assert load(tmp_path / "tiny.pt").tags(SENTENCES) == [example.tags for example in examples]


def test_an_archive_holds_no_path_of_the_machine_that_made_it(archive_path):
    paths = (str(ROOT), str(Path(torch.__file__).parent.parent))
    with zipfile.ZipFile(archive_path) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    assert not [name for name, content in contents.items() if any(path.encode() in content for path in paths)]


# -- the self-check, and saving --------------------------------------------------------------------------------------


def test_the_self_check_passes_where_the_examples_get_their_tags(archive_path, examples):
    loaded = load(archive_path)
    replace(loaded, metadata=replace(loaded.metadata, examples=examples)).self_check()


def test_the_self_check_catches_one_changed_tag(archive_path, examples):
    loaded = load(archive_path)
    with pytest.raises(ArchiveError, match=r"^tiny: the self-check failed"):
        replace(loaded, metadata=replace(loaded.metadata, examples=wrong(examples))).self_check()


def test_the_self_check_catches_changed_weights(tmp_path, make_tagger, vocabulary, metadata, examples):
    tagger = make_tagger()
    torch.nn.init.ones_(tagger.emission.weight)
    with pytest.raises(ArchiveError, match="self-check"):
        save(tmp_path / "tiny.pt", tagger, vocabulary, replace(metadata, examples=examples))


class RefusedError(Exception):
    """By the check of a test."""


def refuse(_):
    raise RefusedError


@pytest.mark.parametrize("failing", ["the self-check", "a check of its own", "metadata that is not JSON"])
@pytest.mark.parametrize("before", [None, b"an archive"])
def test_a_failing_save_leaves_nothing_behind_and_what_was_there_untouched(
    failing, before, tmp_path, make_tagger, vocabulary, metadata, examples
):
    path = tmp_path / "tiny.pt"
    if before is not None:
        path.write_bytes(before)
    if failing == "the self-check":
        with pytest.raises(ArchiveError):
            save(path, make_tagger(), vocabulary, replace(metadata, examples=wrong(examples)))
    elif failing == "a check of its own":
        with pytest.raises(RefusedError):
            save(path, make_tagger(), vocabulary, metadata, refuse)
    else:
        with pytest.raises(TypeError):
            save(path, make_tagger(), vocabulary, replace(metadata, scores={"f1": object()}))
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == (
        {} if before is None else {path.name: before}
    )


def test_the_check_sees_the_archive_that_was_written_before_it_has_its_name(
    tmp_path, make_tagger, vocabulary, metadata, examples
):
    path = tmp_path / "tiny.pt"
    seen = []

    def check(written):
        assert not path.exists()
        seen.append(written.tags(SENTENCES))

    save(path, make_tagger(), vocabulary, metadata, check)
    assert seen == [[example.tags for example in examples]]
    assert [one.name for one in tmp_path.iterdir()] == ["tiny.pt"]


def test_an_export_to_a_full_disk_is_one_line_with_file_and_space_and_leaves_nothing(
    tmp_path, make_tagger, vocabulary, metadata
):
    for _ in range(2):
        with full_disk(5_000), pytest.raises(WriteError) as caught:
            save(tmp_path / "tiny.pt", make_tagger(), vocabulary, metadata)
        assert str(caught.value).startswith(f"{tmp_path / 'tiny.pt'}: cannot be written: ")
        assert "it needs 0.0 MB; " in str(caught.value)
        assert list(tmp_path.iterdir()) == []


def test_an_export_to_a_file_system_without_room_leaves_the_file_of_before(
    tmp_path, make_tagger, vocabulary, metadata
):
    with real_disk(tmp_path, 8_192) as disk:
        (disk / "tiny.pt").write_bytes(b"before")
        with pytest.raises(WriteError, match="No space left on device") as caught:
            save(disk / "tiny.pt", make_tagger(), vocabulary, metadata)
        assert str(caught.value).startswith(f"{disk / 'tiny.pt'}: cannot be written: ")
        assert [path.read_bytes() for path in disk.iterdir()] == [b"before"]


def test_what_killed_exports_have_left_is_removed_and_nothing_else(tmp_path, make_tagger, vocabulary, metadata):
    for name in (".tiny.pt.part", ".tiny.pt.23841", ".tiny.pt.bak", "tiny.pt.1", ".other.pt.part"):
        (tmp_path / name).write_bytes(b"half")
    save(tmp_path / "tiny.pt", make_tagger(), vocabulary, metadata)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.pt", ".tiny.pt.bak", "tiny.pt.1", ".other.pt.part"}


# -- what is refused -------------------------------------------------------------------------------------------------


def delete(path):
    path.unlink()


def make_folder(path):
    path.unlink()
    path.mkdir()


def write(content):
    return lambda path: path.write_bytes(content)


def truncate(keep):
    return lambda path: path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])


def other_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", "<document/>")


def other_torchscript(path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(path))


def state_dict(path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)


def flip(entry, position=0):
    """Flip a byte of an entry's content."""

    def change(path):
        with zipfile.ZipFile(path) as file:
            info = next(one for one in file.infolist() if one.filename.endswith(entry))
        data = bytearray(path.read_bytes())
        lengths = data[info.header_offset + 26 :][:2], data[info.header_offset + 28 :][:2]
        data[info.header_offset + 30 + sum(int.from_bytes(n, "little") for n in lengths) + position] ^= 0xFF
        path.write_bytes(data)

    return change


def mark_as_folder(path):
    """Set the bit of the zip directory that has torch read nothing where the weights should be."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"data/2", data.index(b"PK\x01\x02"))
    data[data.rindex(b"PK\x01\x02", 0, entry) + 38] |= 0x10
    path.write_bytes(data)


def rewrite(entry, change):
    """Replace an entry by what `change` makes of it, with the right checksum and without a digest."""

    def rewritten(path):
        with zipfile.ZipFile(path) as file:
            contents = {name: file.read(name) for name in file.namelist()}
        name = next(name for name in contents if name.endswith(entry))
        contents[name] = change(contents[name])
        contents.pop("archive/extra/sha256", None)
        with zipfile.ZipFile(path, "w") as file:
            for name, content in contents.items():
                file.writestr(name, content)

    return rewritten


def with_metadata(**changed):
    return rewrite("metadata.json", lambda old: json.dumps({**json.loads(old), **changed}).encode())


def without(entry, key):
    return rewrite(entry, lambda old: json.dumps({k: v for k, v in json.loads(old).items() if k != key}).encode())


NO_METADATA = f"its metadata is not what format {FORMAT} holds"
REFUSED = {
    "no file": (delete, "no such file"),
    "a folder": (make_folder, "not an archive, or damaged"),
    "an empty file": (write(b""), "not an archive, or damaged"),
    "a text": (write(b"version https://git-lfs.github.com/spec/v1\nsize 25000000\n"), "not an archive, or damaged"),
    "a zip of something else": (other_zip, "not a nerve archive"),
    "TorchScript of something else": (other_torchscript, "not a nerve archive"),
    "weights alone": (state_dict, "not a nerve archive"),
    "half of it": (truncate(0.5), "not an archive, or damaged"),
    "nearly all of it": (truncate(0.999), "not an archive, or damaged"),
    "a wrong byte in the weights": (flip("data/8"), "damaged: the checksum of .*data/8 is wrong"),
    "a wrong byte in the metadata": (flip("metadata.json", 40), "damaged: the checksum of .*metadata.json is wrong"),
    "a wrong byte in the compressed code": (flip("tagger.py"), "damaged"),
    "weights marked as a folder": (mark_as_folder, "damaged: an entry says that it is a folder"),
    "an older format": (
        with_metadata(format=FORMAT - 1),
        f"format version {FORMAT - 1}; this nerve reads {FORMAT}",
    ),
    "a newer format": (
        with_metadata(format=FORMAT + 1),
        f"format version {FORMAT + 1}; this nerve reads {FORMAT}",
    ),
    "no format": (without("metadata.json", "format"), "format version None"),
    "an older tokenizer": (with_metadata(tokenizer=1), "tokenizer version 1; this nerve reads 2 and 3$"),
    "a newer tokenizer": (with_metadata(tokenizer=4), "tokenizer version 4; this nerve reads 2 and 3$"),
    "no tags": (without("metadata.json", "tags"), f"{NO_METADATA}: 'tags'"),
    "no tags that are tags": (with_metadata(tags=None), NO_METADATA),
    "an impossible configuration": (with_metadata(config={"hidden_size": 0}), "hidden_size is 0"),
    "metadata that is a list": (
        rewrite("metadata.json", lambda _: b"[]"),
        NO_METADATA,
    ),
    "metadata that is not JSON": (rewrite("metadata.json", lambda old: old[:-1]), "not an archive, or damaged"),
    "a vocabulary without words": (without("vocabulary.json", "words"), "its metadata is not .*'words'"),
}


def assert_refused(reader, path, message):
    with pytest.raises(ArchiveError, match=message) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("version", tokenizer.READ)
def test_archives_of_the_tokenizer_versions_that_are_read_load(version, archive_path):
    with_metadata(tokenizer=version)(archive_path)
    assert load(archive_path).metadata.tokenizer == version


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_with_one_line_that_names_the_file(what, archive_path):
    spoil, message = REFUSED[what]
    spoil(archive_path)
    assert_refused(load, archive_path, message)


@pytest.mark.parametrize("code", [b"", b"def forward(:", b"class Tagger(Module):\n  pass\n"])
def test_whole_files_that_hold_no_tagger_are_refused(code, archive_path):
    rewrite("code/__torch__/nerve/model/tagger.py", lambda _: code)(archive_path)
    assert_refused(load, archive_path, "cannot be loaded: .")


def test_any_wrong_byte_is_refused_or_changes_no_answer(archive_path, examples):
    good = archive_path.read_bytes()
    chosen = random.Random(1)
    directory = range(good.index(b"PK\x01\x02"), len(good))  # where checksums do not reach
    for position in (*chosen.sample(range(len(good)), 20), *chosen.sample(directory, 60)):
        archive_path.write_bytes(good[:position] + bytes([good[position] ^ 0xFF]) + good[position + 1 :])
        try:
            loaded = load(archive_path)
        except ArchiveError:
            continue
        assert loaded.tags(SENTENCES) == [example.tags for example in examples]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_refused(archive_path):
    assert_refused(lambda path: load(path, "cuda"), archive_path, "torch finds no CUDA device")


# -- the command -----------------------------------------------------------------------------------------------------


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "nerve.model.archive", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def test_the_command_prints_what_is_inside(archive_path, metadata):
    done = command(archive_path)
    assert (done.returncode, done.stderr) == (0, "")
    *printed, last = done.stdout.splitlines()
    told = json.loads("\n".join(printed))
    assert (told["name"], told["description"]) == (metadata.name, metadata.description)
    assert told["vocabulary"]["words"] == 16
    assert last == f"{archive_path}: {archive_path.stat().st_size:,} bytes; labels LOC, PER"


def test_the_command_refuses_a_bad_file_with_one_line(archive_path):
    truncate(0.5)(archive_path)
    done = command(archive_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{archive_path}: not an archive, or damaged: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_the_command_without_one_file_tells_its_usage(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m nerve.model.archive FILE\n"


def test_the_command_needs_no_torchscript_to_tell_what_is_inside(archive_path, monkeypatch, capsys):
    monkeypatch.delattr(archive.torch.jit, "load")
    assert main([str(archive_path)]) == 0
    assert '"name": "tiny"' in capsys.readouterr().out

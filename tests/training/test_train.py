"""The training script from end to end: what it writes, what it refuses, and that no kill changes its weights."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nerve.model.annotation import Sentence
from nerve.model.archive import Archive, load
from nerve.model.tags import spans_of
from nerve.training import train
from nerve.training.data import datasets
from nerve.training.data.batches import TrainingBatch
from nerve.training.data.formats import read, write_columns
from nerve.training.learn.schedule import Pace
from nerve.training.learn.trainer import Epoch, Trainer
from nerve.training.measure import calibration, report
from tests.support import ROOT
from tests.support.toy_corpus import FLAGS, LABELS, sentences


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """`trained` has real ones, being made first; to draw them takes longer than another training here."""
    monkeypatch.setattr(report, "pictures_of", lambda *_: dict.fromkeys(report.PICTURES, b"a picture"))


def same_weights(one: Path, other: Path) -> bool:
    """Whether two archives hold the same numbers, bit for bit, for the same strings."""
    archives = load(one), load(other)
    weights, others = (archive.tagger.state_dict() for archive in archives)  # type: ignore[attr-defined]
    return (
        archives[0].vocabulary == archives[1].vocabulary
        and weights.keys() == others.keys()
        and all(torch.equal(weights[name], others[name]) for name in weights)
    )


# -- what it writes ----------------------------------------------------------------------------------------------


def test_it_leaves_an_archive_its_card_and_three_pictures_and_nothing_else(trained: Path) -> None:
    assert {path.name for path in trained.parent.iterdir()} == {
        "mine.pt",
        "mine.md",
        "mine.curve.png",
        "mine.confusion.png",
        "mine.reliability.png",
    }
    for name in ("mine.curve.png", "mine.confusion.png", "mine.reliability.png"):
        assert (trained.parent / name).read_bytes().startswith(b"\x89PNG")


def test_the_archive_says_what_it_is_and_passes_its_self_check(trained: Path) -> None:
    archive = load(trained)
    archive.self_check()
    assert (archive.name, archive.labels) == ("mine", LABELS)
    assert len(archive.metadata.examples) == 4
    assert all(set(example.tags) != {"O"} for example in archive.metadata.examples)
    assert set(archive.metadata.scores) == {"toy dev", "toy test"}


def test_it_has_learned(trained: Path, toy_files: list[str]) -> None:
    assert load(trained).metadata.scores["toy dev"]["f1"] > 80
    assert share_right(load(trained), read(Path(toy_files[1]))) > 0.95


def share_right(archive: Archive, some: Sequence[Sentence]) -> float:
    """The share of tokens that get their gold tag."""
    found = archive.tags([one.tokens for one in some])
    pairs = [pair for tags, one in zip(found, some, strict=True) for pair in zip(tags, one.tags, strict=True)]
    return sum(tag == gold for tag, gold in pairs) / len(pairs)


def test_the_card_states_licence_data_scores_and_the_command(trained: Path, toy_files: list[str]) -> None:
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    scores = load(trained).metadata.scores
    assert "- Licence of the weights: of the files' owner" in card
    assert "train 48 sentences with 88 names, dev 24 sentences with 44 names, test 24 sentences with 44 names" in card
    for name, row in scores.items():
        assert f"| {name} | {row['precision']:.2f} | {row['recall']:.2f} | **{row['f1']:.2f}** |" in card
        assert set(row["labels"]) == set(LABELS)
        for label, own in row["labels"].items():
            assert f"| {label} | {own['precision']:.2f} | {own['recall']:.2f} | {own['f1']:.2f} |" in card
    # without --device, which is each machine's own
    shown = [flag for flag in FLAGS if flag not in ("--device", "cpu")]
    assert " ".join(["    nerve train", *toy_files, *shown, "--output", str(trained)]) in card


def test_the_vocabulary_is_that_of_train_alone(trained: Path, toy_files: list[str]) -> None:
    words = {word.lower() for one in read(Path(toy_files[1])) for word in one.tokens}
    assert set(load(trained).vocabulary.words) == words


def test_begun_at_an_archive_training_begins_at_its_score(
    trained: Path, toy_files: list[str], tmp_path: Path
) -> None:
    flags = [*FLAGS, "--init", str(trained), "--epochs", "1", "--learning-rate", "0"]
    assert train.main([*toy_files, *flags, "--output", str(tmp_path / "next.pt")]) == 0
    begun, old = load(tmp_path / "next.pt"), load(trained)
    for split in ("toy dev", "toy test"):
        assert begun.metadata.scores[split]["f1"] == old.metadata.scores[split]["f1"]
    assert begun.metadata.config == old.metadata.config
    assert f"--init {trained}" in (tmp_path / "next.md").read_text(encoding="utf-8")
    assert begun.metadata.datasets == [*old.metadata.datasets, {"model": "mine", **old.metadata.datasets[0]}]
    assert begun.metadata.settings["begun_with"]["licence"] == old.metadata.licence


def test_words_that_vectors_alone_know_are_known_to_the_archive(toy_files: list[str], tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("Zagreb 0.5 -1 2\nParis 1 2 3\n", encoding="utf-8")
    flags = [*FLAGS, "--vectors", str(tmp_path / "vectors.txt"), "--epochs", "1"]
    assert train.main([*toy_files, *flags, "--output", str(tmp_path / "mine.pt")]) == 0
    archive = load(tmp_path / "mine.pt")
    assert archive.vocabulary.words[-1] == "zagreb"
    assert archive.metadata.config.word_size == 3
    # training leaves it as it is; 4 bits a number
    assert archive.embeddings("words.columns.0", "words")[-1].tolist() == pytest.approx([0.5, -1, 2], abs=2 / 15)


def test_the_archive_states_its_temperature_and_how_far_its_confidence_can_be_believed(trained: Path) -> None:
    archive = load(trained)
    temperature = archive.metadata.settings["temperature"]
    assert calibration.LEAST <= temperature <= calibration.MOST
    for scores in archive.metadata.scores.values():
        assert {"error", "sure_precision", "sure_share", "bins"} == scores["calibration"].keys()
        assert 0 <= scores["calibration"]["error"] <= 1
    assert f"a temperature of {temperature}," in trained.with_suffix(".md").read_text(encoding="utf-8")


def test_the_card_and_the_curve_state_the_same_epoch_and_the_same_f1(trained: Path) -> None:
    settings, scores = load(trained).metadata.settings, load(trained).metadata.scores
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    assert f"the weights of epoch {settings['epoch']}" in card
    assert f"**{scores['toy dev']['f1']:.2f}**" in card


def test_the_language_is_found_in_the_texts_and_can_be_said(trained: Path) -> None:
    assert load(trained).metadata.language == "en"


def test_another_seed_gives_other_weights(trained: Path, toy_files: list[str], tmp_path: Path) -> None:
    output = tmp_path / "mine.pt"
    assert train.main([*toy_files, *FLAGS, "--output", str(output), "--seed", "2"]) == 0
    assert not same_weights(output, trained)


def test_the_weights_of_the_best_epoch_are_exported_not_those_of_the_last(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, averages = train.run_epoch, []

    def epoch(trainer, examples, steps, number, *rest):
        found = real(trainer, examples, steps, number, *rest)
        with trainer.averaged() as averaged:
            averages.append({name: weight.clone() for name, weight in averaged.state_dict().items()})
        return replace(found, dev_f1=(10.0, 20.0, 15.0, 20.0)[number])

    monkeypatch.setattr(train, "run_epoch", epoch)
    assert train.main([*toy_files, *FLAGS, "--output", str(tmp_path / "mine.pt")]) == 0
    exported = load(tmp_path / "mine.pt").weights
    scaled = ("emission.", "crf.")  # by the temperature
    equal = [
        all(
            torch.equal(weight.to(exported[name].dtype), exported[name])
            for name, weight in one.items()
            if not name.startswith(scaled)
        )
        for one in averages
    ]
    assert equal == [False, True, False, False]


def test_with_dev_too_it_learns_from_dev_and_exports_the_last_epoch_as_it_is(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, averages = train.run_epoch, []

    def epoch(trainer, *rest):
        found = real(trainer, *rest)
        with trainer.averaged() as averaged:
            averages.append({name: weight.clone() for name, weight in averaged.state_dict().items()})
        return found

    monkeypatch.setattr(train, "run_epoch", epoch)
    flags = [*FLAGS, "--dev-too", "--epochs", "3", "--patience", "1"]
    assert train.main([*toy_files, *flags, "--output", str(tmp_path / "mine.pt")]) == 0
    assert "toy: train 72 sentences with 132 names, test 24 sentences" in capsys.readouterr().err
    archive = load(tmp_path / "mine.pt")
    assert set(archive.metadata.scores) == {"toy test"}
    assert archive.metadata.settings["temperature"] == 1.0
    assert len(averages) == 3
    for name in ("emission.weight", "encoder.layers.0.forward_rnn.weight_hh_l0"):
        torch.testing.assert_close(archive.weights[name], averages[-1][name])


def test_an_epoch_of_a_small_corpus_passes_over_it_until_it_has_its_steps(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def step(_trainer: Trainer, batch: TrainingBatch) -> float:
        seen.append(len(batch.inputs.lengths))
        return 1.0

    monkeypatch.setattr(Trainer, "step", step)
    count = len(read(Path(toy_files[toy_files.index("--train") + 1])))
    flags = [*FLAGS, "--epochs", "1", "--batch-size", str(count), "--epoch-steps", "3"]
    assert train.main([*toy_files, *flags, "--output", str(tmp_path / "mine.pt")]) == 0
    assert seen == [count] * 3


def test_training_stops_when_dev_f1_no_longer_rises(
    toy_files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [*FLAGS, "--epochs", "20", "--patience", "2", "--learning-rate", "0", "--batch-size", "16"]
    assert train.main([*toy_files, *flags, "--output", str(tmp_path / "mine.pt"), "--language", "und"]) == 0
    lines = capsys.readouterr().err
    # The last lines name what was written and what to do with it.
    written = [f"{tmp_path}/mine.pt: ", f"{tmp_path}/mine.md: its card, with mine.curve.png, mine.confusion.png, "]
    ends = lines.splitlines()[-3:]
    assert all(line.startswith(start) for line, start in zip(ends, written, strict=False))
    assert ends[-1] == f"nerve serve --model {tmp_path}/mine.pt serves it"
    assert "language: und" in lines
    assert load(tmp_path / "mine.pt").metadata.language == "und"
    assert "epoch 3/20" in lines
    assert "epoch 4/20" not in lines
    assert "dev F1 has not risen for 2 epochs: stopping" in lines
    assert "3 epochs of up to 20" in (tmp_path / "mine.md").read_text(encoding="utf-8")


# -- splits and time ---------------------------------------------------------------------------------------------


def test_a_file_is_split_and_its_parts_are_written_beside_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "step", lambda _trainer, _batch: 1.0)
    write_columns(tmp_path / "all.conll", sentences(100))
    arguments = ["--train", str(tmp_path / "all.conll"), "--split", "80/10/10", *FLAGS, "--epochs", "1"]
    assert train.main([*arguments, "--output", str(tmp_path / "mine.pt")]) == 0
    parts = ", ".join(f"{tmp_path}/mine.{split}.conll" for split in ("train", "dev", "test"))
    assert f"written as {parts}\n" in capsys.readouterr().err
    scores = load(tmp_path / "mine.pt").metadata.scores
    for split in ("dev", "test"):
        names = sum(len(list(spans_of(one.tags))) for one in read(tmp_path / f"mine.{split}.conll"))
        assert scores[f"all {split}"]["support"] == names


def test_a_training_in_time_fits_its_epochs_and_its_learning_rate_ends_with_them(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A pass takes 12 steps of 0.01 s, and dev 0.02 s: an epoch of three passes is 0.38 s long.
    monkeypatch.setattr(train, "measured", lambda *_: Pace(step=0.01, scoring=0.02))
    real, totals = train.run_epoch, []

    def epoch(trainer, examples, passes, *rest):
        totals.append((trainer.total_steps, passes))
        return replace(real(trainer, examples, passes, *rest), seconds=0.38)

    monkeypatch.setattr(train, "run_epoch", epoch)
    flags = [*FLAGS, "--epoch-steps", "500", "--time", "1.6s"]
    assert train.main([*toy_files, *flags, "--output", str(tmp_path / "mine.pt")]) == 0
    assert totals == [(4 * 36, 3)] * 4
    assert "in 1.6s this machine can do 4 epochs of 36 steps" in capsys.readouterr().err


def test_a_training_in_time_goes_on_with_the_passes_that_it_began_with(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "measured", lambda *_: Pace(step=0.01, scoring=0.02))
    real, seen = train.run_epoch, []

    def epoch(trainer, examples, passes, number, *rest):
        seen.append((number, passes))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return replace(real(trainer, examples, passes, number, *rest), seconds=0.7)

    monkeypatch.setattr(train, "run_epoch", epoch)
    arguments = [*toy_files, *FLAGS, "--epoch-steps", "500", "--time", "1.6s", "--output", str(tmp_path / "mine.pt")]
    with pytest.raises(KeyboardInterrupt):
        train.main(arguments)
    monkeypatch.setattr(train, "measured", lambda *_: pytest.fail("a training that has begun is not planned anew"))
    assert train.main(arguments) == 0
    assert seen == [(0, 3), (1, 3), (1, 3)]
    assert "2 epochs of up to 4" in (tmp_path / "mine.md").read_text(encoding="utf-8")
    assert load(tmp_path / "mine.pt").metadata.settings["training"]["time"] == "1.6s"


def test_a_training_that_could_go_on_says_so(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        train, "run_epoch", lambda _trainer, _examples, _passes, number, *_: Epoch(1.0, 50.0 + number, 1.0, 60.0)
    )
    assert train.main([*toy_files, *FLAGS, "--output", str(tmp_path / "mine.pt")]) == 0
    assert "from 52.0 to 53.0: --epochs 8 may find more, and takes about 8 minutes" in capsys.readouterr().err


# -- interruptions -----------------------------------------------------------------------------------------------


class Training:
    """`python -m nerve.training.train` in a process of its own, and what it has printed so far."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.printed = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nerve.training.train", *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def killed_after(self, words: str, seconds: float = 120) -> str:
        """Kill it as soon as it has printed these words. Returns all that it printed."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while words.encode() not in self.printed:
                assert selector.select(deadline - time.monotonic()), self.printed
                chunk = os.read(self.process.stderr.fileno(), 4096)
                assert chunk, self.printed
                self.printed += chunk
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL
        return self.printed.decode()


@pytest.fixture
def start() -> Iterator[Callable[[Sequence[str]], Training]]:
    """Starts trainings, and leaves none behind."""
    started: list[Training] = []

    def start(arguments: Sequence[str]) -> Training:
        started.append(Training(arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        with one.process:  # closes the pipe and waits
            pass


@pytest.mark.slow
def test_a_training_killed_again_and_again_goes_on_to_the_very_same_weights(
    trained: Path, toy_files: list[str], tmp_path: Path, start: Callable[[Sequence[str]], Training]
) -> None:
    output = tmp_path / "mine.pt"
    arguments = [*toy_files, *FLAGS, "--output", str(output)]

    start(arguments).killed_after("epoch 2/4")  # its checkpoint may be written, half written, or not begun
    assert not output.exists()
    assert (tmp_path / "mine.checkpoint").exists()

    printed = start(arguments).killed_after("epoch 4: ")  # the bar of an epoch that has begun
    assert "epoch 1/4" not in printed
    assert "epoch 3/4" in printed
    assert not output.exists()

    assert train.main(arguments) == 0
    assert same_weights(output, trained)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in trained.parent.iterdir()}


@pytest.fixture
def interrupted(toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command of a training that was interrupted in its second epoch, and left its checkpoint."""
    arguments = [*toy_files, *FLAGS, "--output", str(tmp_path / "mine.pt")]
    real = train.run_epoch

    def epoch(trainer, examples, steps, number, *rest):
        if number == 1:
            raise KeyboardInterrupt
        return real(trainer, examples, steps, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(train, "run_epoch", epoch)
        with pytest.raises(KeyboardInterrupt):
            train.main(arguments)
    return arguments


def test_a_finished_training_is_replaced_only_with_restart(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine.pt"
    output.write_bytes(b"a model")
    arguments = [*toy_files, *FLAGS, "--output", str(output)]
    assert train.main(arguments) == 1
    fact = "a finished training is there; choose another name, or replace it with --restart"
    assert last_line(capsys) == f"nerve train: --output {output}: {fact}"
    assert output.read_bytes() == b"a model"
    begun = []

    def epoch(*_: object) -> None:
        begun.append(True)
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "run_epoch", epoch)
    with pytest.raises(KeyboardInterrupt):
        train.main([*arguments, "--restart"])
    # What --restart began, the same command goes on with, and needs no second --restart.
    (tmp_path / "mine.checkpoint").write_bytes(b"")
    assert train.main(arguments) == 1
    assert "mine.checkpoint: damaged" in last_line(capsys)
    assert begun == [True]


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_what_another_training_left_is_refused_and_kept(
    interrupted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tmp_path / "mine.checkpoint").read_bytes()
    assert train.main([*interrupted, "--seed", "2"]) == 1
    assert last_line(capsys).startswith(
        f"nerve train: {tmp_path / 'mine.checkpoint'}: an interrupted training with other settings, data or code;"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.checkpoint"]
    assert (tmp_path / "mine.checkpoint").read_bytes() == before


def test_a_damaged_checkpoint_is_refused(
    interrupted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray((tmp_path / "mine.checkpoint").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "mine.checkpoint").write_bytes(content)
    assert train.main(interrupted) == 1
    assert f"{tmp_path / 'mine.checkpoint'}: damaged; remove it, or start over with --restart" in last_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.checkpoint"]


def test_restart_starts_over_and_the_same_seed_gives_the_same_weights(
    interrupted: list[str], trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.checkpoint").write_bytes(b"damaged, at that")
    capsys.readouterr()
    assert train.main([*interrupted, "--restart"]) == 0
    assert "epoch 1/4" in capsys.readouterr().err
    assert same_weights(tmp_path / "mine.pt", trained)


# -- refusals ----------------------------------------------------------------------------------------------------


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A folder of good and bad files; the outputs are to go into `out` in it."""
    write_columns(tmp_path / "good.conll", sentences(6))
    write_columns(tmp_path / "few.conll", sentences(2))
    (tmp_path / "columns.conll").write_text("Ann B-PER\nleft\n", encoding="utf-8")
    (tmp_path / "scheme.conll").write_text("Ann O\nWeber I-PER\nleft B-LOC\nRome I-PER\n", encoding="utf-8")
    (tmp_path / "faults.conll").write_text("Ann I-PER\n\nRome B-PER\nleft I-LOC\n", encoding="utf-8")
    (tmp_path / "empty.conll").write_text("\n\n", encoding="utf-8")
    (tmp_path / "nameless.conll").write_text("nobody O\ncame O\n", encoding="utf-8")
    (tmp_path / "spans.jsonl").write_text(
        json.dumps({"text": "Ann left", "label": [[0, 3, "PER"]]})
        + "\n"
        + json.dumps({"text": "Ann left", "label": [[0, 30, "PER"]]})
        + "\n",
        encoding="utf-8",
    )
    (tmp_path / "latin.conll").write_bytes(b"Ann B-PER\nlives O\nin O\nOrl\xe9ans B-LOC\n")
    (tmp_path / "mine.toml").write_text("[training]\nepoch = 3\n", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "folder.pt").mkdir()
    return tmp_path


def files(train_file: str, dev_file: str = "good.conll") -> list[str]:
    return ["--train", f"{{}}/{train_file}", "--dev", f"{{}}/{dev_file}"]


REFUSALS = {
    "a-missing-file": (files("absent.conll"), "{}/absent.conll:1: cannot be read: No such file"),
    "a-missing-column": (files("columns.conll"), "{}/columns.conll:2: 1 column"),
    "an-invalid-tag-sequence": (files("scheme.conll"), "{}/scheme.conll:2: I-PER may not follow O in BIO"),
    "an-empty-train-file": (files("empty.conll"), "{}/empty.conll:1: the file holds no sentence"),
    "an-empty-dev-file": (files("good.conll", "empty.conll"), "{}/empty.conll:1: the file holds no sentence"),
    "a-span-outside-its-text": (files("spans.jsonl"), "{}/spans.jsonl:2: "),
    "what-is-not-utf-8": (files("latin.conll"), "{}/latin.conll:4: byte 0xe9 is not UTF-8: save the file as UTF-8"),
    "a-label-that-is-not-known": (
        [*files("good.conll"), "--labels", "PER,LOC"],
        "good: label ORG is none of PER, LOC: map it",
    ),
    "corpora-without-names": (
        files("nameless.conll", "nameless.conll"),
        "{}/nameless.conll:1: 1 sentence, and no name",
    ),
    "several-faults": (
        files("faults.conll"),
        "{}/faults.conll:1: I-PER may not begin a sentence in BIO; nerve data {}/faults.conll {}/good.conll shows",
    ),
    "a-dataset-that-is-not-known": (["--dataset", "conll2004"], "there is no dataset 'conll2004'; there are "),
    "a-dataset-that-is-not-there": (["--dataset", "gmb", "--data-dir", "{}"], "gmb: --data-dir has no file {}/gmb"),
    "too-few-documents-for-a-split": (
        ["--train", "{}/few.conll", "--split", "80/10/10"],
        "{}/few.conll: 2 documents are too few for 3 parts",
    ),
    "folds-of-a-dataset": (
        ["--dataset", "gmb", "--folds", "5"],
        "--folds: corpora.0: gmb is read as it was published",
    ),
    "no-corpus": ([], "command line: no corpus"),
    "a-missing-configuration": (["--config", "{}/absent.toml"], "{}/absent.toml: "),
    "an-unknown-key": (["--config", "{}/mine.toml"], "{}/mine.toml: training: unknown key 'epoch'"),
    "a-setting-out-of-range": (
        [*files("good.conll"), "--dropout", "1"],
        "tagger.dropout is 1.0; it must be at most 0.95",
    ),
    "an-archive-to-begin-at-beside-vectors": (
        [*files("good.conll"), "--init", "{}/old.pt", "--vectors", "{}/vectors.txt"],
        "command line: training: init and vectors exclude each other",
    ),
    "an-output-of-another-name": ([*files("good.conll"), "--output", "{}/out/mine.md"], "--output {}/out/mine.md: "),
    "an-output-that-is-a-folder": ([*files("good.conll"), "--output", "{}/folder.pt"], "--output {}/folder.pt: "),
    "an-output-inside-a-file": (
        [*files("good.conll"), "--output", "{}/file/mine.pt"],
        "--output {}/file/mine.pt: its folder cannot be written: ",
    ),
}


def in_folder(folder: Path, arguments: Sequence[str]) -> list[str]:
    return [one.replace("{}", str(folder)) for one in ["--output", "{}/out/mine.pt", *arguments]]


def outputs(folder: Path) -> list[Path]:
    suffixes = (".pt", ".md", ".png", ".checkpoint")
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix in suffixes]


@pytest.mark.parametrize(("arguments", "says"), REFUSALS.values(), ids=REFUSALS.keys())
def test_it_refuses_in_one_line_and_writes_nothing(
    corpora: Path, refused: Callable[..., str], arguments: list[str], says: str
) -> None:
    line = refused(train.main, *in_folder(corpora, arguments))
    assert line.startswith("nerve train: ")
    assert says.replace("{}", str(corpora)) in line
    assert outputs(corpora) == []


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (None, ": [Errno 2] No such file"),
        ("", ": no vectors"),
        ("word\n", ": no vectors"),
        ("a 1 2\nb 1\n", ":2: 1 values"),
    ],
)
def test_vectors_that_cannot_be_read_are_refused(
    corpora: Path, capsys: pytest.CaptureFixture[str], content: str | None, fact: str
) -> None:
    if content is not None:
        (corpora / "vectors.txt").write_text(content, encoding="utf-8")
    assert train.main(in_folder(corpora, [*files("good.conll"), "--vectors", "{}/vectors.txt"])) == 1
    assert last_line(capsys).startswith(f"nerve train: {corpora}/vectors.txt{fact}")
    assert outputs(corpora) == []


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--init", "{}/absent.pt"], "{}/absent.pt: no such file"),
        (["--init", "{}/good.conll"], "{}/good.conll: not an archive, or damaged: "),
        (["--pair-vectors", "{}/pairs.txt"], "pair_vectors need a tagger with pairs, but pair_size is 0"),
        (["--pair-vectors", "{}/pairs.txt", "--pair-size", "4"], "{}/pairs.txt: [Errno 2] No such file"),
        (["--lexicon", "{}/words.txt"], "{}/words.txt: [Errno 2] No such file"),
        (["--lexicon-size", "4"], "lexicon_size is 4, but no lexicon is given"),
    ],
)
def test_what_a_training_cannot_begin_at_is_refused(
    corpora: Path, capsys: pytest.CaptureFixture[str], flags: list[str], says: str
) -> None:
    assert train.main(in_folder(corpora, [*files("good.conll"), *flags])) == 1
    assert last_line(capsys).startswith("nerve train: " + says.replace("{}", str(corpora)))
    assert outputs(corpora) == []


@pytest.mark.slow
def test_a_refusal_of_the_real_command_is_one_line_and_no_traceback(corpora: Path) -> None:
    arguments = in_folder(corpora, files("scheme.conll"))
    done = subprocess.run(
        [sys.executable, "-m", "nerve.training.train", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"nerve train: {corpora}/scheme.conll:2: I-PER may not follow O in BIO\n"
    assert outputs(corpora) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(corpora: Path, refused: Callable[..., str]) -> None:
    arguments = in_folder(corpora, [*files("good.conll"), "--device", "cuda"])
    assert "--device cuda: this machine has no GPU" in refused(train.main, *arguments)


def test_a_processor_without_bfloat16_refuses_mixed_precision(
    corpora: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = torch.nn.LSTM.forward

    def forward(layer: torch.nn.LSTM, *inputs: object) -> object:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("could not create a primitive descriptor for the LSTM forward propagation primitive")
        return exact(layer, *inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.LSTM, "forward", forward)
    assert train.main(in_folder(corpora, [*files("good.conll"), "--mixed-precision"])) == 1
    said = "--mixed-precision: this processor has no LSTM in bfloat16; train without it\n"
    assert capsys.readouterr().err.endswith(said)
    assert outputs(corpora) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(corpora: Path, refused: Callable[..., str]) -> None:
    (corpora / "out").mkdir(mode=0o500)
    assert "its folder cannot be written: Permission denied" in refused(
        train.main, *in_folder(corpora, files("good.conll"))
    )


@pytest.mark.parametrize(
    ("name", "fact"), [("conllpp", "conllpp has no train split"), ("gmb", "no corpus has a dev")]
)
def test_a_dataset_without_train_or_dev_is_refused(
    name: str, fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    if name == "gmb":
        monkeypatch.setattr(datasets, "splits", lambda _: ("train", "test"))
    monkeypatch.setattr(datasets, "load", lambda *_: sentences(6))
    assert fact in refused(train.main, "--dataset", name, "--output", tmp_path / "mine.pt")


def test_a_training_that_diverges_ends_with_one_line_and_without_an_archive(
    toy_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # No learning rate that the configuration allows makes this tiny tagger diverge within seconds.
    monkeypatch.setattr(train.Trainer, "_rate", lambda _: 1e38)
    assert train.main([*toy_files, *FLAGS, "--clip", "0", "--output", str(tmp_path / "mine.pt")]) == 1
    assert "training diverged at step " in last_line(capsys)
    assert list(tmp_path.iterdir()) == []

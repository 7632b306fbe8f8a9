"""The checkpoint: written whole or not at all, and resumed only where it belongs."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nerve.model.annotation import Span
from nerve.model.files import WriteError
from nerve.model.tagger import Tagger
from nerve.training.config import Config, CorpusConfig, TrainingConfig
from nerve.training.data.batches import shuffled
from nerve.training.data.corpora import Corpus
from nerve.training.learn.checkpoint import Checkpoint, CheckpointError
from nerve.training.learn.distributed import Processes
from nerve.training.learn.trainer import Epoch, Trainer
from tests.support.disk import full_disk, real_disk
from tests.support.toy_corpus import TINY, corpus, tiny_tagger, tiny_trainer

CONFIG = Config((CorpusConfig("gmb"),), TrainingConfig(), TINY)
HISTORY = [Epoch(2.5, 40.0, 1000.0), Epoch(1.5, 60.0, 1100.0)]


@pytest.fixture
def trainer() -> Trainer:
    """One step into its training."""
    torch.manual_seed(1)
    tagger, _, examples = tiny_tagger()
    trainer = tiny_trainer(tagger)
    trainer.step(next(shuffled(examples, 4, seed=1)))
    return trainer


def checkpoint(folder: Path, config: Config = CONFIG, source: Corpus | None = None) -> Checkpoint:
    return Checkpoint(folder / "mine.checkpoint", config, tiny_tagger()[1], [source or corpus()], start())


def start(seed: int = 1) -> Tagger:
    """The tagger before its first step."""
    torch.manual_seed(seed)
    return tiny_tagger()[0]


def best(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: weight + 1 for name, weight in trainer.tagger.state_dict().items()}


@pytest.fixture
def saved(tmp_path: Path, trainer: Trainer) -> Path:
    checkpoint(tmp_path).save(trainer, HISTORY, best(trainer))
    return tmp_path / "mine.checkpoint"


class Second(Processes):
    """The second of two processes; the first has seen two epochs."""

    def total(self, value: float) -> float:
        return value + len(HISTORY)


def test_of_several_processes_only_the_first_saves(tmp_path: Path, trainer: Trainer) -> None:
    trainer.processes = Second(1, 2)
    checkpoint(tmp_path).save(trainer, HISTORY, best(trainer))
    assert not (tmp_path / "mine.checkpoint").exists()


def test_processes_that_see_different_checkpoints_are_refused(saved: Path, tmp_path: Path, trainer: Trainer) -> None:
    trainer.processes = Second(1, 2)
    assert checkpoint(tmp_path).restore(trainer)[0] == HISTORY
    saved.unlink()
    with pytest.raises(CheckpointError, match="another process sees another checkpoint"):
        checkpoint(tmp_path).restore(trainer)


def test_without_a_checkpoint_training_starts_at_the_start(tmp_path: Path, trainer: Trainer) -> None:
    assert checkpoint(tmp_path).restore(trainer) == ([], {})
    assert trainer.step_count == 1


def test_a_checkpoint_gives_back_trainer_history_and_best_weights(saved: Path, trainer: Trainer) -> None:
    torch.manual_seed(2)
    other = tiny_trainer(tiny_tagger()[0])
    history, weights = checkpoint(saved.parent).restore(other)
    assert history == HISTORY
    assert other.step_count == 1
    for name, weight in trainer.tagger.state_dict().items():
        assert torch.equal(other.tagger.state_dict()[name], weight)
        assert torch.equal(weights[name], weight + 1)


def test_a_save_leaves_one_file_whatever_a_kill_in_the_one_before_left(saved: Path, trainer: Trainer) -> None:
    (saved.parent / ".mine.checkpoint.part").write_bytes(b"half of one")
    checkpoint(saved.parent).save(trainer, HISTORY[:1], best(trainer))
    assert list(saved.parent.iterdir()) == [saved]
    assert checkpoint(saved.parent).restore(trainer)[0] == HISTORY[:1]


def test_a_save_to_a_full_disk_leaves_the_one_before_and_names_file_and_space(saved: Path, trainer: Trainer) -> None:
    before = saved.read_bytes()
    with full_disk(1_000), pytest.raises(WriteError) as caught:
        checkpoint(saved.parent).save(trainer, HISTORY[:1], best(trainer))
    assert str(caught.value).startswith(f"{saved}: cannot be written: ")
    assert " MB are free)" in str(caught.value)
    assert list(saved.parent.iterdir()) == [saved]
    assert saved.read_bytes() == before


def test_a_save_to_a_file_system_without_room_leaves_nothing(tmp_path: Path, trainer: Trainer) -> None:
    with real_disk(tmp_path, 4_096) as disk:
        with pytest.raises(WriteError, match="No space left on device"):
            checkpoint(disk).save(trainer, HISTORY[:1], best(trainer))
        assert list(disk.iterdir()) == []


def test_what_a_kill_has_left_of_a_save_is_removed_at_the_end(saved: Path) -> None:
    (saved.parent / ".mine.checkpoint.part").write_bytes(b"half")
    checkpoint(saved.parent).remove()
    assert list(saved.parent.iterdir()) == []


def test_remove_removes_it_once_and_again(saved: Path) -> None:
    checkpoint(saved.parent).remove()
    checkpoint(saved.parent).remove()
    assert list(saved.parent.iterdir()) == []


def relabelled() -> Corpus:
    """The corpus with the same words and one name less."""
    source = corpus()
    first, *rest = source.splits["train"]
    return replace(source, splits={**source.splits, "train": (replace(first, spans=first.spans[1:]), *rest)})


@pytest.mark.parametrize(
    ("config", "source"),
    [
        (replace(CONFIG, training=TrainingConfig(seed=2)), corpus()),
        (replace(CONFIG, tagger=replace(TINY, hidden_size=17)), corpus()),
        (replace(CONFIG, name="other"), corpus()),
        (CONFIG, relabelled()),
        (CONFIG, replace(corpus(), annotates=("PER",))),
    ],
)
def test_a_checkpoint_of_other_settings_or_data_is_refused_in_one_line(
    saved: Path, trainer: Trainer, config: Config, source: Corpus
) -> None:
    with pytest.raises(CheckpointError) as caught:
        checkpoint(saved.parent, config, source).restore(trainer)
    message = str(caught.value)
    assert message.startswith(f"{saved}: an interrupted training with other settings, data or code")
    assert "--restart" in message
    assert "\n" not in message


def test_another_vocabulary_is_refused(saved: Path, trainer: Trainer) -> None:
    vocabulary = replace(tiny_tagger()[1], words=("other",))
    with pytest.raises(CheckpointError, match="other settings, data or code"):
        Checkpoint(saved, CONFIG, vocabulary, [corpus()], start()).restore(trainer)


def test_other_weights_to_begin_with_are_refused(saved: Path, trainer: Trainer) -> None:
    with pytest.raises(CheckpointError, match="other settings, data or code"):
        Checkpoint(saved, CONFIG, tiny_tagger()[1], [corpus()], start(seed=2)).restore(trainer)


def test_other_further_vectors_are_refused(saved: Path, trainer: Trainer) -> None:
    tagger = start()
    none = torch.empty(0, dtype=torch.long)
    tagger.words.tables()["words"].load_vectors(none, torch.empty(0, 16), torch.ones(1, 16))
    with pytest.raises(CheckpointError, match="other settings, data or code"):
        Checkpoint(saved, CONFIG, tiny_tagger()[1], [corpus()], tagger).restore(trainer)


def test_the_corpus_that_differs_by_a_span_has_the_same_words() -> None:
    assert relabelled().splits["train"][0].tokens == corpus().splits["train"][0].tokens
    assert Span(0, 2, "PER") in {*corpus().splits["train"][0].spans} - {*relabelled().splits["train"][0].spans}


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04" + bytes(60), bytes(1000)])
def test_a_file_that_is_no_checkpoint_is_refused(saved: Path, trainer: Trainer, content: bytes) -> None:
    saved.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"mine\.checkpoint: damaged; .*--restart"):
        checkpoint(saved.parent).restore(trainer)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.25, 0.5, 0.75, 0.999])
def test_one_wrong_bit_anywhere_is_refused(saved: Path, trainer: Trainer, share: float) -> None:
    content = bytearray(saved.read_bytes())
    content[int(share * len(content))] ^= 1
    saved.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint(saved.parent).restore(trainer)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9999])
def test_a_file_cut_short_is_refused(saved: Path, trainer: Trainer, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint(saved.parent).restore(trainer)


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(
    tmp_path: Path, saved: Path, trainer: Trainer
) -> None:
    class Touch:
        def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
            return Path.touch, (tmp_path / "it ran",)

    content = io.BytesIO()
    torch.save({"key": Touch()}, content)
    saved.write_bytes(hashlib.sha256(content.getvalue()).digest() + content.getvalue())
    with pytest.raises(CheckpointError, match="not read"):
        checkpoint(saved.parent).restore(trainer)
    assert not (tmp_path / "it ran").exists()

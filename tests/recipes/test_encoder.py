"""The teacher, with a small network in the place of a published transformer."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nerve.model.annotation import Span
from nerve.model.tags import tags_of
from nerve.training.data.annotated import Annotated
from recipes import encoder as encoder_module
from recipes.bert import TransformerError
from recipes.encoder import Encoder, Lesson, annotated, fine_tune, names

LABELS = ("PER", "LOC")
WORDS = ["<s>", "<pad>", "</s>", "anna", "lives", "in", "oslo", "smith"]
SENTENCE = Annotated(("Anna", "Smith", "lives", "in", "Oslo"), (Span(0, 2, "PER"), Span(4, 5, "LOC")), ())


class Network(nn.Module):
    """Embeddings, and one layer over them and their neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), 16)
        self.layer = nn.Conv1d(16, 16, 3, padding=1)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        inside = inputs_embeds * attention_mask.unsqueeze(2)
        return SimpleNamespace(last_hidden_state=self.layer(inside.transpose(1, 2)).transpose(1, 2))


class Small:
    """A vocabulary in lower case; what it does not know is cut into the words within it."""

    first, padding, last, cased = 0, 1, 2, False

    def ids(self, token: str) -> list[int]:
        return [WORDS.index(word) for word in token.lower().split("-")]

    def transformer(self) -> nn.Module:
        return Network()


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(1)
    return Encoder(Small(), tags_of(LABELS))


def taught(encoder: Encoder, lessons: Sequence[Lesson], checkpoint: Path, epochs: int = 30) -> Encoder:
    fine_tune(encoder, lessons, epochs=epochs, learning_rate=0.02, checkpoint=checkpoint)
    return encoder


def test_it_learns_the_names_of_sentences(encoder: Encoder, tmp_path: Path) -> None:
    taught(encoder, [Lesson(SENTENCE, LABELS)], tmp_path / "part")
    other = ("Oslo", "lives", "in", "Anna-Smith")
    first, second = names(encoder, [SENTENCE.tokens, other])
    assert first == list(SENTENCE.spans)
    assert len(second) > 0


def test_a_label_that_a_corpus_does_not_annotate_is_not_unlearned(encoder: Encoder, tmp_path: Path) -> None:
    """The second corpus says nothing of places, so `Oslo` without a span there may still be one."""
    persons_only = Annotated(SENTENCE.tokens, SENTENCE.spans[:1], ())
    taught(encoder, [Lesson(SENTENCE, LABELS), *[Lesson(persons_only, ("PER",))] * 9], tmp_path / "part")
    assert names(encoder, [SENTENCE.tokens]) == [list(SENTENCE.spans)]


def test_case_tells_two_words_apart_that_the_vocabulary_does_not(encoder: Encoder, tmp_path: Path) -> None:
    name = Annotated(("Anna",), (Span(0, 1, "PER"),), ())
    taught(encoder, [Lesson(name, LABELS), Lesson(Annotated(("anna",), (), ()), LABELS)], tmp_path / "part")
    assert names(encoder, [("Anna",), ("anna",)]) == [[Span(0, 1, "PER")], []]


def test_a_name_that_is_not_sure_is_unknown(encoder: Encoder) -> None:
    """An untrained teacher is sure of nothing."""
    encoder.eval()
    (sentence,) = annotated(encoder, [SENTENCE.tokens], sure=0.99)
    assert sentence == Annotated(SENTENCE.tokens, (), (Span(0, 5, "X"),))


def test_the_order_of_the_sentences_is_kept(encoder: Encoder) -> None:
    given = [("in",), ("Anna", "lives", "in", "Oslo"), ("Oslo", "lives")]
    assert [sentence.tokens for sentence in annotated(encoder.eval(), given, sure=0.5)] == given


GIVEN = [("in",), ("Anna", "lives", "in", "Oslo"), ("Oslo", "lives"), ("Anna",), SENTENCE.tokens, ("in",) * 4]


def calls_of(encoder: Encoder, monkeypatch: pytest.MonkeyPatch, stop_after: int = 99) -> list[list[tuple[str, ...]]]:
    """The batches that it tags from now on; one more than asked for interrupts it."""
    monkeypatch.setattr(encoder_module, "BATCH_TOKENS", 1)  # one sentence a batch, or a few of one token
    batches: list[list[tuple[str, ...]]] = []
    forward = type(encoder).forward

    def counted(sentences: list[tuple[str, ...]]) -> Any:
        if len(batches) == stop_after:
            raise KeyboardInterrupt
        batches.append(list(sentences))
        return forward(encoder, sentences)

    monkeypatch.setattr(encoder, "forward", counted)
    return batches


@pytest.mark.parametrize("torn", ["", "[[1, [[0,"])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_interrupted_tagging_goes_on_at_the_batch_where_it_was(
    after: int, torn: str, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = calls_of(encoder.eval(), monkeypatch)
    expected = annotated(encoder, GIVEN, 0.5)
    assert len(whole) == 4
    calls_of(encoder, monkeypatch, stop_after=after)
    with pytest.raises(KeyboardInterrupt):
        annotated(encoder, GIVEN, 0.5, tmp_path / "part")
    with (tmp_path / "part").open("a") as file:
        file.write(torn)
    rest = calls_of(encoder, monkeypatch)
    assert annotated(encoder, GIVEN, 0.5, tmp_path / "part") == expected
    assert rest == whole[after:]
    again = calls_of(encoder, monkeypatch)
    assert annotated(encoder, GIVEN, 0.5, tmp_path / "part") == expected
    assert again == []


@pytest.mark.parametrize("other", ["sure", "sentences", "weights"])
def test_what_was_tagged_otherwise_is_tagged_anew(
    other: str, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotated(encoder.eval(), GIVEN, 0.5, tmp_path / "part")
    if other == "weights":
        with torch.no_grad():
            encoder.emission.weight.add_(1)
    sentences = GIVEN[1:] if other == "sentences" else GIVEN
    batches = calls_of(encoder, monkeypatch)
    sure = 0.6 if other == "sure" else 0.5
    assert annotated(encoder, sentences, sure, tmp_path / "part") == annotated(encoder, sentences, sure)
    assert len(batches) % 2 == 0
    assert batches[: len(batches) // 2] == batches[len(batches) // 2 :] != []


@pytest.mark.parametrize("saves", [1, 2, 3, 4, 7])
def test_an_interrupted_training_ends_with_the_weights_of_a_whole_one(
    saves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped while it writes a checkpoint, after a step or at the end of an epoch of two steps."""

    def begun() -> Encoder:
        torch.manual_seed(1)
        return Encoder(Small(), tags_of(LABELS))

    monkeypatch.setattr(encoder_module, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(encoder_module, "BATCH_TOKENS", 2 * len(SENTENCE.tokens))
    lessons = [Lesson(SENTENCE, LABELS)] * 3
    whole = taught(begun(), lessons, tmp_path / "whole", epochs=4)
    stopped = tmp_path / "stopped"
    keep, saved = torch.save, []

    def cut_short(state: object, path: Path) -> None:
        saved.append(path)
        if len(saved) == saves:
            path.write_bytes(b"half of it")
            raise KeyboardInterrupt
        keep(state, path)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", cut_short)
        with pytest.raises(KeyboardInterrupt):
            taught(begun(), lessons, stopped, epochs=4)
    resumed = taught(begun(), lessons, stopped, epochs=4)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("multiplies", "computed"), [(False, torch.float32), (True, torch.bfloat16)])
def test_it_computes_in_bfloat16_where_the_processor_multiplies_that(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, multiplies: bool, computed: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": multiplies})
    seen: list[torch.dtype] = []
    encoder.emission.register_forward_hook(lambda _layer, _given, emissions: seen.append(emissions.dtype))
    emissions, _ = encoder([SENTENCE.tokens])
    assert seen == [computed]
    assert emissions.dtype == torch.float32


def test_what_was_learned_for_other_tags_is_refused(encoder: Encoder) -> None:
    """The same labels in another order would exchange their names without a word."""
    other = Encoder(Small(), tags_of(LABELS[::-1]))
    with pytest.raises(TransformerError, match=f"the saved teacher has the tags {', '.join(encoder.tags)}, not O,"):
        other.load_state_dict(encoder.state_dict())

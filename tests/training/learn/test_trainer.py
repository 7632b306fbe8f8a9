"""The optimisation step, the running average, and a state from which training goes on as if never stopped."""

import io
from dataclasses import replace
from itertools import cycle, islice

import pytest
import torch
from torch import Tensor

from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import PADDING, UNKNOWN
from nerve.training.data import corpora
from nerve.training.data.batches import TrainingBatch, shuffled
from nerve.training.learn.trainer import Trainer
from nerve.training.measure import scores
from tests.support.toy_corpus import LABELS, TINY, annotated, archive_of, corpus, sentences, tiny_tagger, tiny_trainer


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(1)


@pytest.fixture
def batches() -> list[TrainingBatch]:
    """Twelve batches; the tagger they are for is `tiny_tagger`'s."""
    return list(islice(cycle(shuffled(tiny_tagger()[2], 4, seed=1)), 12))


def weights(tagger: Tagger) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in tagger.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def learn(trainer: Trainer, batches: list[TrainingBatch]) -> list[float]:
    return [trainer.step(batch) for batch in batches]


def test_the_loss_falls(batches: list[TrainingBatch]) -> None:
    losses = learn(tiny_trainer(tiny_tagger()[0]), batches)
    assert sum(losses[6:]) < 0.8 * sum(losses[:6])


def test_a_step_leaves_denormal_numbers_to_the_rest_of_the_program(batches: list[TrainingBatch]) -> None:
    smallest = 2.0**-1074
    learn(tiny_trainer(tiny_tagger()[0]), batches[:1])
    assert smallest * 1.0 > 0.0


def test_the_loss_is_the_negative_log_likelihood_of_a_sentence(batches: list[TrainingBatch]) -> None:
    tagger = tiny_tagger()[0].eval()
    expected = -tagger.log_likelihood(batches[0].inputs, batches[0].allowed).mean().detach()
    trainer = tiny_trainer(tagger)
    tagger.eval()  # without dropout
    assert trainer.step(batches[0]) == pytest.approx(float(expected))


def test_with_mixed_precision_the_encoder_is_rounded_and_the_crf_and_the_weights_are_not(
    batches: list[TrainingBatch],
) -> None:
    inputs, allowed = batches[0].inputs, batches[0].allowed
    # Not every processor has an LSTM in bfloat16.
    tagger = tiny_tagger(cell="gru", dropout=0.0, word_dropout=0.0)[0]
    with torch.no_grad():
        exact = -float(tagger.log_likelihood(inputs, allowed).mean())
        with torch.autocast("cpu", torch.bfloat16):
            rounded = tagger.emissions(inputs.features, inputs.characters, inputs.tokens, inputs.lengths)
        expected = -float(tagger.crf.log_likelihood(rounded.float(), allowed, inputs.lengths).mean())
    trainer = tiny_trainer(tagger, mixed_precision=True)
    loss = trainer.step(batches[0])
    assert loss == pytest.approx(expected, rel=1e-6)
    assert loss != exact
    assert loss == pytest.approx(exact, rel=0.02)
    assert {weight.dtype for weight in trainer.state()["average"]} == {torch.float32}


def test_the_learning_rate_rises_over_the_warm_up_and_falls_to_nothing(batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tiny_tagger()[0], 12, learning_rate=1.0, warmup=0.25, clip=1e-9)
    rates = []
    for batch in batches:
        trainer.step(batch)
        rates += [group["lr"] for group in trainer.state()["optimiser"]["param_groups"]]
    assert rates == pytest.approx([1 / 3, 2 / 3 * 11 / 12, *[1 - step / 12 for step in range(2, 12)]])


def test_a_large_gradient_is_scaled_down_to_the_clip(batches: list[TrainingBatch]) -> None:
    for clip, holds in ((1e-3, True), (0.0, False)):
        tagger = tiny_tagger()[0]
        tiny_trainer(tagger, clip=clip).step(batches[0])
        norm = torch.cat([weight.grad.flatten() for weight in tagger.parameters() if weight.grad is not None]).norm()
        assert (norm <= 1.001e-3) == holds


def test_the_norm_of_every_gradient_is_kept_as_it_was_before_clipping(batches: list[TrainingBatch]) -> None:
    norms = {}
    for clip in (0.0, 1e-3):
        torch.manual_seed(1)
        tagger = tiny_tagger()[0]
        trainer = tiny_trainer(tagger, clip=clip)
        trainer.step(batches[0])
        norms[clip] = trainer.gradient_norms
        if not clip:
            gradients = [weight.grad.flatten() for weight in tagger.parameters() if weight.grad is not None]
            assert norms[clip] == pytest.approx([float(torch.cat(gradients).norm())])
        trainer.step(batches[1])
        assert len(norms[clip]) == 2
    assert norms[0.0][0] == norms[1e-3][0] > 1e-3


def test_averaged_weights_are_lent_and_the_training_weights_come_back(batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tagger := tiny_tagger()[0])
    learn(trainer, batches)
    before = weights(tagger)
    with trainer.averaged() as lent:
        assert not lent.training
        assert not same(weights(lent), before)
    assert tagger.training
    assert same(weights(tagger), before)


@pytest.mark.parametrize("average", [0.9, 0.0])
def test_the_training_weights_come_back_even_when_scoring_fails(average: float, batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tagger := tiny_tagger()[0], average=average)
    learn(trainer, batches)
    before = weights(tagger)
    with pytest.raises(ZeroDivisionError), trainer.averaged():
        raise ZeroDivisionError
    assert tagger.training
    assert same(weights(tagger), before)


def test_without_averaging_the_weights_are_lent_as_they_are(batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tagger := tiny_tagger()[0], average=0.0)
    learn(trainer, batches)
    before = weights(tagger)
    with trainer.averaged() as lent:
        assert same(weights(lent), before)


def test_the_average_is_a_decaying_mean_that_forgets_the_start_faster(batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tagger := tiny_tagger()[0], average=0.5)
    expected = weights(tagger)["emission.weight"]
    for step, batch in enumerate(batches, start=1):
        trainer.step(batch)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights(tagger)["emission.weight"]
    with trainer.averaged() as lent:
        torch.testing.assert_close(weights(lent)["emission.weight"], expected)


def test_training_changes_the_rows_of_the_table_that_it_meets_and_no_further_vector(
    batches: list[TrainingBatch],
) -> None:
    _, vocabulary, _ = tiny_tagger()
    tagger = Tagger(TINY, replace(vocabulary, words=vocabulary.words[:5]), tags_of(LABELS))
    words = tagger.words.tables()["words"]
    none, further = torch.tensor([], dtype=torch.long), torch.randn(len(vocabulary.words) - 5, TINY.word_size)
    words.load_vectors(none, torch.empty(0, TINY.word_size), further.clone())
    before = words.learned.weight.detach().clone()
    learn(tiny_trainer(tagger), batches)
    met = {row for batch in batches for row in batch.inputs.features[:, 0].tolist()}
    assert max(met) >= len(words.learned.weight), "further ones, too"
    assert words.frozen.vectors.equal(further)
    changed = (words.learned.weight != before).any(1).nonzero().flatten().tolist()
    assert {row for row in met if row < len(words.learned.weight)} <= set(changed) <= {UNKNOWN, *met}
    assert PADDING not in changed


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_stop_training_with_a_clear_error(
    value: float, batches: list[TrainingBatch]
) -> None:
    trainer = tiny_trainer(tagger := tiny_tagger()[0])
    trainer.step(batches[0])
    with torch.no_grad():
        tagger.emission.weight.fill_(value)
    with pytest.raises(FloatingPointError, match="diverged at step 1: lower the learning rate"):
        trainer.step(batches[1])


def test_a_restored_trainer_goes_on_to_the_very_same_weights(batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tagger := tiny_tagger()[0])
    learn(trainer, batches[:6])
    file = io.BytesIO()
    torch.save(trainer.state(), file)
    losses = learn(trainer, batches[6:])

    torch.manual_seed(99)
    restored = tiny_trainer(other := tiny_tagger()[0])
    file.seek(0)
    restored.restore(torch.load(file, weights_only=True))
    assert learn(restored, batches[6:]) == losses
    assert same(weights(other), weights(tagger))
    with trainer.averaged(), restored.averaged():
        assert same(weights(other), weights(tagger))


def test_the_state_of_a_run_on_a_gpu_goes_on_where_there_is_none(batches: list[TrainingBatch]) -> None:
    trainer = tiny_trainer(tiny_tagger()[0])
    state = {**trainer.state(), "random_cuda": torch.zeros(16, dtype=torch.uint8)}
    trainer.restore(state)
    assert trainer.step(batches[0]) > 0


def test_two_corpora_that_annotate_a_label_each_teach_one_tagger_both() -> None:
    """And taken as fully annotated, where each denies the other's names, they do not."""
    found = {}
    for partial in (True, False):
        torch.manual_seed(1)
        tagger, vocabulary, _ = tiny_tagger()
        tags = tags_of(LABELS)
        examples = [
            example
            for label in LABELS
            for example in corpora.examples(
                annotated(sentences(36, seed=5, labels=(label,))), (label,) if partial else LABELS, vocabulary, tags
            )
        ]
        trainer = tiny_trainer(tagger, 4 * 27, learning_rate=0.02)
        for epoch in range(4):
            learn(trainer, list(shuffled(examples, 4, seed=epoch)))
        with trainer.averaged():
            found[partial] = scores.score(scores.scored_split(archive_of(tagger, vocabulary), corpus(), "dev")).recall
    assert found[True] > 95
    assert found[False] < 50

"""The comparison of the cells: what is trained and left among the results, that no run is made twice, and that
docs/cells.md says what the committed results say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.cells import __main__ as compare
from bench.cells import page, runs, speeds
from bench.cells.gradients import FAR
from bench.cells.plan import BASE, CELLS, CLIP, LAYERS, PLAN, RATES, SEEDS, Run
from bench.cells.results import Results
from nerve.training.config import Config, ConfigError, CorpusConfig, TrainingConfig
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import Corpus
from tests.support.documents import ROOT
from tests.support.toy_corpus import TINY, corpus

COMMITTED = Results(ROOT / "bench" / "results" / "cells.jsonl")
PAGE = ROOT / "docs" / "cells.md"
TOY = Config(
    corpora=(CorpusConfig(dataset="toy"),),
    training=TrainingConfig(epochs=2, epoch_steps=1, batch_size=4, learning_rate=0.02, average=0.9),
    tagger=TINY,
)
ONWARD, BOTH = Run("gru", False, 1, 1), Run("rnn", True, 2, 1, clip=0.0)


def toy() -> Corpus:
    """The toy corpus, with one sentence in dev that is long enough for the gradient to be followed."""
    small = corpus(12)
    dev = small.splits["dev"]
    long = Annotated(tuple(token for one in dev for token in one.tokens), (), ())
    assert len(long.tokens) > FAR
    return replace(small, splits={**small.splits, "dev": (*dev, long)})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What two runs leave. Not to be changed."""
    path = tmp_path_factory.mktemp("cells") / "results.jsonl"
    runs.complete([ONWARD, BOTH], TOY, toy, Results(path))
    return Results(path)


def copied(results: Results, path: Path) -> Results:
    path.write_bytes(results.path.read_bytes())
    return Results(path)


# -- the plan --------------------------------------------------------------------------------------------------------


def test_the_plan_has_every_cell_with_every_number_of_directions_and_layers() -> None:
    found = {
        (run.cell, run.bidirectional, run.layers) for run in PLAN if (run.clip, run.learning_rate) == (CLIP, RATES[0])
    }
    assert CELLS == ("rnn", "gru", "lstm")
    assert LAYERS == (1, 2, 3)
    assert found == {(cell, two, layers) for cell in CELLS for two in (False, True) for layers in LAYERS}


def test_the_plan_has_every_cell_with_and_without_clipping_at_both_learning_rates() -> None:
    found = {(run.cell, run.clip, run.learning_rate) for run in PLAN if run.bidirectional and run.layers == 1}
    assert found == {(cell, clip, rate) for cell in CELLS for clip in (CLIP, 0.0) for rate in RATES}


def test_every_run_of_the_plan_is_there_once_for_each_seed() -> None:
    names = [run.name for run in PLAN]
    assert len(names) == len(set(names)) == (18 + 9) * len(SEEDS)


def test_a_run_differs_from_the_base_in_what_it_says_alone() -> None:
    config = Run("gru", False, 3, 7, clip=0.0, learning_rate=0.5).config(BASE)
    assert config.tagger == replace(BASE.tagger, cell="gru", bidirectional=False, layers=3)
    assert config.training == replace(BASE.training, seed=7, clip=0.0, learning_rate=0.5)
    assert config.corpora == BASE.corpora


# -- the runs --------------------------------------------------------------------------------------------------------


def test_each_run_leaves_a_line_and_all_of_them_their_speeds(results: Results) -> None:
    lines = results.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["gru-1d-1l-seed1", "rnn-2d-2l-clip0-seed1", "speeds"]
    assert [path.name for path in results.path.parent.iterdir()] == ["results.jsonl"]


def test_a_result_says_how_it_was_made_and_what_came_of_it(results: Results) -> None:
    result = results[BOTH.name]
    assert result["config"] == json.loads(json.dumps(BOTH.config(TOY).to_json()))
    assert result["config"]["training"]["seed"] == 1
    assert result["data"]["size"].startswith("train 12 sentences")
    assert set(result["scores"]) == {"dev", "test"}
    assert 0 <= result["scores"]["test"]["f1"] <= 100
    assert result["cpu_seconds"] > 0
    assert result["diverged"] == ""


def test_the_encoders_weights_are_those_of_its_recurrent_layers(results: Results) -> None:
    result = results[ONWARD.name]
    units, words = TINY.hidden_size, TINY.word_size + 3 * TINY.affix_size + TINY.character_filters
    assert result["encoder_parameters"] == 3 * units * (words + units + 2)
    assert result["parameters"] > result["encoder_parameters"]


def test_a_result_says_how_large_the_gradients_were(results: Results) -> None:
    norms = results[BOTH.name]["gradient_norm"]
    assert norms["steps"] == 2 * 3
    assert 0 < norms["median"] <= norms["largest"]
    assert (norms["over_clip"] > 0) == (norms["largest"] > CLIP)


def test_every_gold_name_of_dev_and_test_is_in_the_counts_of_contexts(results: Results) -> None:
    counts = results[ONWARD.name]["contexts"]
    small = toy()
    names = sum(len(one.spans) for split in ("dev", "test") for one in small.splits[split])
    assert sum(one["names"] for of in counts.values() for one in of.values()) == names > 0
    assert all(one["found"] <= one["names"] for of in counts.values() for one in of.values())


def test_the_gradient_is_followed_where_there_is_one_direction_and_one_layer(results: Results) -> None:
    assert results[BOTH.name]["reach"] == {}
    reach = results[ONWARD.name]["reach"]
    assert reach["sentences"] == 1
    assert len(reach["initial"]["median"]) == FAR + 1
    assert reach["initial"] != reach["trained"]


def test_the_same_seed_gives_the_same_scores(results: Results) -> None:
    data = runs.Data.of(toy())
    again = runs.train(BOTH, TOY, data)
    assert again["scores"] == results[BOTH.name]["scores"]
    assert again["gradient_norm"] == results[BOTH.name]["gradient_norm"]


def test_a_training_that_diverges_is_a_result_without_scores() -> None:
    data = runs.Data.of(toy())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs.Trainer, "step", diverging(runs.Trainer.step))
        result = runs.train(BOTH, TOY, data)
    assert result["scores"] == {}
    assert result["diverged"] == "training diverged at step 2: lower the learning rate"
    assert result["gradient_norm"]["steps"] == 2


def diverging(step: Callable[..., float]) -> Callable[..., float]:
    """A step that is the usual one until the weights are no numbers."""

    def diverge(trainer: Any, batch: Any) -> float:
        if trainer.step_count == 2:
            with torch.no_grad():
                trainer.tagger.emission.weight.fill_(float("nan"))
        return step(trainer, batch)

    return diverge


def no_corpus() -> Corpus:
    raise AssertionError("nothing is missing, yet the corpus is read")


def test_what_is_there_is_not_trained_again(results: Results) -> None:
    before = results.path.stat().st_mtime_ns
    runs.complete([ONWARD, BOTH], TOY, no_corpus, results)
    assert results.path.stat().st_mtime_ns == before


def test_what_is_missing_is_trained_alone(tmp_path: Path, results: Results) -> None:
    lines = results.path.read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "results.jsonl"
    path.write_text("".join(line for line in lines if BOTH.name not in line), encoding="utf-8")
    trained: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        real = runs.train
        patch.setattr(runs, "train", lambda run, *rest: trained.append(run.name) or real(run, *rest))
        runs.complete([ONWARD, BOTH], TOY, toy, Results(path))
    assert trained == [BOTH.name]
    again = Results(path)
    assert again[BOTH.name]["scores"] == results[BOTH.name]["scores"]
    assert again[ONWARD.name] == results[ONWARD.name]


def test_a_result_of_other_settings_is_refused(results: Results) -> None:
    other = replace(TOY, training=replace(TOY.training, epochs=3))
    with pytest.raises(
        ConfigError, match=r"results\.jsonl: gru-1d-1l-seed1 was made with other settings: remove its"
    ):
        runs.complete([ONWARD], other, no_corpus, results)


def test_a_setting_that_is_younger_than_a_result_does_not_disown_it(tmp_path: Path, results: Results) -> None:
    older = copied(results, tmp_path / "results.jsonl")
    del older[ONWARD.name]["config"]["training"]["own_tokens"]
    del older[ONWARD.name]["config"]["corpora"][0]["no_names"]
    runs.complete([ONWARD], TOY, no_corpus, older)


# -- speeds ----------------------------------------------------------------------------------------------------------


def test_the_speed_is_tokens_by_cpu_time_and_the_fastest_turn_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each turn looks at the clock three times: begun, trained, tagged. The first turn warms up.
    clock = iter([0, 1, 2, *(10, 14, 15), *(20, 22, 26), *(30, 38, 40)])
    monkeypatch.setattr(speeds.time, "process_time", lambda: float(next(clock)))
    data = runs.Data.of(toy())
    _, tagger, archive = runs.initial(BOTH, TOY, data)
    batches = list(runs.shuffled(data.examples, 4, seed=1))
    trainer = runs.Trainer(tagger, TOY.training, 100, "cpu")
    found = speeds.measure({"one": (trainer, archive)}, batches, [("Paris",), ("New", "York", ".")], turns=3)
    tokens = sum(len(one.tokens) for one in data.corpus.splits["train"])
    assert found == {"one": {"training": round(tokens / 2), "tagging": 4}}


def test_every_shape_is_timed_once(results: Results) -> None:
    timed = results["speeds"]["tokens_per_cpu_second"]
    assert set(timed) == {ONWARD.shape, BOTH.shape}
    assert all(speed > 0 for of in timed.values() for speed in of.values())


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_committed_results_are_those_of_the_plan_with_the_settings_of_the_base() -> None:
    lines = COMMITTED.path.read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["name"] for line in lines} == {run.name for run in PLAN} | {"speeds"}
    runs.complete(PLAN, BASE, no_corpus, COMMITTED)


def test_the_committed_results_have_what_a_run_leaves_now(results: Results) -> None:
    for run in (ONWARD, BOTH):
        assert set(results[run.name]) == set(COMMITTED[replace(run, layers=1).name])


def test_the_command_without_anything_missing_only_writes_the_page_that_is_committed(tmp_path: Path) -> None:
    copy = tmp_path / "cells.md"
    copy.write_bytes(PAGE.read_bytes())
    assert compare.main(["--page", str(copy), "--data-dir", str(tmp_path / "none")]) == 0
    assert copy.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"cells.md", "cells-f1.png", "cells-gradient.png"}
    for picture in tmp_path.glob("*.png"):
        content = picture.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert all(int.from_bytes(content[at : at + 4], "big") > 300 for at in (16, 20))


def test_a_table_takes_its_place_and_leaves_the_words_around_it() -> None:
    text = "# Cells\n\n<!-- one -->\n\nold\n\n<!-- end -->\n\nWords.\n\n<!-- two -->\n\nkept\n\n<!-- end -->\n"
    assert page.placed(text, "one", "| new |") == text.replace("old", "| new |")
    assert page.placed(text, "two", "| new |") == text.replace("kept", "| new |")


def test_a_page_without_a_place_for_a_table_gets_it_at_its_end() -> None:
    assert page.placed("Words.\n", "one", "| new |") == "Words.\n<!-- one -->\n\n| new |\n\n<!-- end -->\n"


def test_results_that_are_missing_without_their_data_are_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    files = ("--results", tmp_path / "results.jsonl", "--page", tmp_path / "cells.md")
    said = refused(compare.main, *files, "--data-dir", tmp_path)
    assert said.startswith("bench.cells: ")
    assert "conll2003" in said

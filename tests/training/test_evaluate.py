"""Scoring an archive from the command line: the same figures as its card, and every option."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from nerve.model import bundled
from nerve.model.annotation import Sentence
from nerve.model.archive import load
from nerve.model.tags import labels_of, spans_of
from nerve.training import evaluate, evaluate_options, train
from nerve.training.data import datasets
from nerve.training.data.formats import read, write_columns
from tests.support.toy_corpus import FLAGS, LABELS, sentences


@pytest.fixture
def test_file(toy_files: list[str]) -> str:
    return toy_files[-1]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Calls the command, which has to succeed, and returns the lines that it prints."""

    def call(*arguments: object) -> list[str]:
        capsys.readouterr()
        assert evaluate.main([str(one) for one in arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out.splitlines()

    return call


def relabelled(path: Path, some: Sequence[Sentence], **labels: str) -> Path:
    """A file of these sentences with other labels."""
    renamed = [
        Sentence(one.tokens, tuple(f"{tag[:2]}{labels.get(tag[2:], tag[2:])}" for tag in one.tags)) for one in some
    ]
    write_columns(path, renamed)
    return path


def test_the_last_line_is_the_f1_that_the_card_states(
    trained: Path, test_file: str, output: Callable[..., list[str]]
) -> None:
    stated = load(trained).metadata.scores["toy test"]["f1"]
    assert stated > 50
    lines = output(trained, "--file", test_file)
    assert lines[-1] == f"micro F1 {stated:.2f}"
    assert f"**{stated:.2f}**" in trained.with_suffix(".md").read_text(encoding="utf-8")


def test_before_it_stands_seqevals_report(trained: Path, test_file: str, output: Callable[..., list[str]]) -> None:
    lines = [line.split() for line in output(trained, "--file", test_file)]
    assert lines[0] == ["precision", "recall", "f1-score", "support"]
    assert {line[0] for line in lines if line} >= {*LABELS, "micro", "macro", "weighted"}


def test_json_lines_are_scored_like_columns(
    trained: Path, toy_files: list[str], output: Callable[..., list[str]]
) -> None:
    stated = load(trained).metadata.scores["toy dev"]["f1"]
    assert toy_files[3].endswith(".jsonl")
    assert output(trained, "--file", toy_files[3])[-1] == f"micro F1 {stated:.2f}"


def test_context_adds_the_score_of_documents_which_is_that_of_sentences_where_each_is_a_document(
    trained: Path, test_file: str, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    lines = output(trained, "--file", test_file, "--context", "--json", tmp_path / "scores.json")
    f1 = lines[-1].split()[-1]
    assert lines[-2:] == [f"micro F1 with context {f1}", f"micro F1 {f1}"]
    assert json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["context_f1"] == float(f1)


def test_json_holds_the_figures(
    trained: Path, test_file: str, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    output(trained, "--file", test_file, "--json", tmp_path / "scores.json")
    found = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    stated = load(trained).metadata.scores["toy test"]
    assert found == {
        "archive": "mine",
        "data": "test",
        "split": "test",
        **{key: value for key, value in stated.items() if key not in ("raw_text_f1", "calibration")},
    }


def test_raw_adds_the_f1_on_raw_text(
    trained: Path, test_file: str, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    stated = load(trained).metadata.scores["toy test"]
    lines = output(trained, "--file", test_file, "--raw", "--json", tmp_path / "scores.json")
    assert lines[-2:] == [
        f"micro F1 on raw text {stated['raw_text_f1']:.2f}",
        f"micro F1 {stated['f1']:.2f}",
    ]
    found = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert found["raw_text_f1"] == stated["raw_text_f1"]


def test_labels_restrict_what_is_scored(
    trained: Path, test_file: str, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    stated = load(trained).metadata.scores["toy test"]["labels"]
    lines = output(trained, "--file", test_file, "--labels", "PER", "--json", tmp_path / "scores.json")
    assert lines[-1] == f"micro F1 {stated['PER']['f1']:.2f}"
    found = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert found["labels"] == {"PER": stated["PER"]}


def test_map_renames_the_labels_of_the_data(
    trained: Path, test_file: str, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    file = relabelled(tmp_path / "other.conll", read(Path(test_file)), PER="person", LOC="geo", ORG="org")
    mapped = output(trained, "--file", file, "--map", "person=PER,geo=LOC,org=ORG")
    assert mapped == output(trained, "--file", test_file)


def test_a_label_mapped_to_nothing_or_to_unknown_is_no_name_to_find(
    trained: Path, test_file: str, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    supports = {}
    for target in ("O", "?"):
        output(trained, "--file", test_file, "--map", f"ORG={target}", "--json", tmp_path / "scores.json")
        supports[target] = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["support"]
    spans = [span for one in read(Path(test_file)) for span in spans_of(one.tags) if span.label != "ORG"]
    assert supports == {"O": len(spans), "?": len(spans)}


def test_labels_that_the_data_does_not_have_are_not_scored(
    trained: Path, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Names of the other labels are in these sentences, but not marked: finding them is not wrong."""
    write_columns(tmp_path / "per.conll", sentences(24, seed=3, labels=("PER",)))
    stated = load(trained).metadata.scores["toy test"]["labels"]["PER"]["f1"]
    assert output(trained, "--file", tmp_path / "per.conll")[-1] == f"micro F1 {stated:.2f}"


def test_data_where_nothing_is_found_scores_0(
    trained: Path, output: Callable[..., list[str]], tmp_path: Path
) -> None:
    # Whatever it predicts touches the one name, which is PER or not known, and nothing else is judged.
    (tmp_path / "one.conll").write_text("in B-PER\nthe I-PER\nrain I-PER\n. I-PER\nthe O\n", encoding="utf-8")
    assert output(trained, "--file", tmp_path / "one.conll", "--labels", "LOC,PER")[-1] == "micro F1 0.00"


@pytest.fixture(scope="module")
def trained_by_name(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive trained on a dataset by name, with its labels mapped; here it holds toy sentences."""
    output = tmp_path_factory.mktemp("named") / "named.pt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", published)
        arguments = ["--dataset", "wnut17", "--map", "person=PER,location=LOC,group=ORG", *FLAGS]
        assert train.main([*arguments, "--output", str(output)]) == 0
    return output


def published(_name: str, split: str, _folder: Path | None) -> list[Sentence]:
    """What stands in for wnut17. No ORG is marked in test, though it is annotated throughout."""
    labels = {"PER": "person", "LOC": "location", "ORG": "group"}
    found = sentences(48, seed=len(split), labels=LABELS if split != "test" else ("PER", "LOC"))
    return [Sentence(one.tokens, tuple(tag[:2] + labels.get(tag[2:], "") for tag in one.tags)) for one in found]


def test_a_dataset_that_it_was_trained_on_is_scored_as_the_training_scored_it(
    trained_by_name: Path, output: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "load", published)
    scores = load(trained_by_name).metadata.scores
    assert "ORG" not in labels_of(tag for one in published("wnut17", "test", None) for tag in one.tags)
    assert scores["wnut17 test"]["labels"]["ORG"]["support"] == 0  # predicted, and rightly held against it
    for split in ("test", "dev"):
        lines = output(trained_by_name, "--dataset", "wnut17", "--split", split)
        assert lines[-1] == f"micro F1 {scores[f'wnut17 {split}']['f1']:.2f}"


def test_map_takes_the_place_of_what_the_training_mapped(
    trained_by_name: Path, output: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "load", published)
    given = output(trained_by_name, "--dataset", "wnut17", "--split", "dev", "--map", "person=PER,location=O,group=O")
    assert {line.split()[0] for line in given[1:] if line} == {"PER", "micro", "macro", "weighted"}


def test_a_corpus_is_read_with_every_key_that_the_training_was_given(trained: Path) -> None:
    archive = load(trained)
    stored = {
        **archive.metadata.settings["corpora"][0],
        "map": {"person": "PER"},
        "no_names": ["@"],
        "unknown_after": ["@", "RT"],
    }
    settings = {**archive.metadata.settings, "corpora": [stored]}
    changed = replace(archive, metadata=replace(archive.metadata, settings=settings))
    (found,) = evaluate.trained_corpora(changed)
    assert json.loads(json.dumps(asdict(found))) == {**stored, "annotates": list(LABELS)}


REFUSALS = {
    "a-missing-archive": (["{}/absent.pt", "--file", "{}/good.conll"], "{}/absent.pt: no such file"),
    "what-is-no-archive": (["{}/good.conll", "--file", "{}/good.conll"], "{}/good.conll: not an archive"),
    "a-missing-file": (["{trained}", "--file", "{}/absent.conll"], "{}/absent.conll:1: cannot be read"),
    "a-malformed-line": (["{trained}", "--file", "{}/bad.conll"], "{}/bad.conll:2: I-PER may not follow O"),
    "a-label-that-the-archive-has-not": (
        ["{trained}", "--file", "{}/other.conll"],
        "other: label geo is none of LOC, ORG, PER: map it",
    ),
    "a-label-mapped-to-none-of-the-archives": (
        ["{trained}", "--file", "{}/other.conll", "--map", "geo=GPE"],
        "other: label GPE is none of LOC, ORG, PER",
    ),
    "a-label-to-score-that-the-archive-has-not": (
        ["{trained}", "--file", "{}/good.conll", "--labels", "PER,LCO"],
        "--labels: LCO is none of mine's: LOC, ORG, PER",
    ),
    "nothing-to-score": (
        ["{trained}", "--file", "{}/other.conll", "--map", "geo=O"],
        "other: none of its labels is among LOC, ORG, PER",
    ),
    "a-dataset-that-is-not-known": (["{trained}", "--dataset", "conll2004"], "there is no dataset 'conll2004'"),
    "a-dataset-that-is-not-there": (
        ["{trained}", "--dataset", "gmb", "--data-dir", "{}"],
        "gmb: --data-dir has no file",
    ),
    "a-split-that-is-not-there": (["{trained}", "--dataset", "broad_twitter"], "broad_twitter has no test split"),
}


@pytest.mark.parametrize(("arguments", "says"), REFUSALS.values(), ids=REFUSALS.keys())
def test_it_refuses_in_one_line(
    trained: Path, tmp_path: Path, refused: Callable[..., str], arguments: list[str], says: str
) -> None:
    write_columns(tmp_path / "good.conll", sentences(6))
    (tmp_path / "bad.conll").write_text("Ann O\nWeber I-PER\nleft B-LOC\nRome I-PER\n", encoding="utf-8")
    (tmp_path / "other.conll").write_text("in O\nRome B-geo\n", encoding="utf-8")
    given = [one.replace("{trained}", str(trained)).replace("{}", str(tmp_path)) for one in arguments]
    line = refused(evaluate.main, *given)
    assert line.startswith("nerve evaluate: ")
    assert says.replace("{}", str(tmp_path)) in line


@pytest.mark.parametrize(("given", "path"), [("zh", bundled.path_of("zh")), ("./zh", Path("zh"))])
def test_the_archive_is_a_bundled_name_or_a_path(given: str, path: Path) -> None:
    assert evaluate_options.parse([given, "--file", "x"]).archive == path


@pytest.mark.parametrize("data", [[], ["--dataset", "gmb", "--file", "x"]])
def test_the_data_is_a_dataset_or_a_file(trained: Path, data: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        evaluate.main([str(trained), *data])
    assert caught.value.code == 2

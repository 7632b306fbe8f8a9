"""`nerve thresholds` as a user meets it, with a bundled model."""

import subprocess
from collections.abc import Callable
from pathlib import Path

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]


def test_each_label_has_a_table_and_a_score_for_the_wished_precision(nerve: Nerve, tmp_path: Path) -> None:
    gold = "Angela B-PER\nMerkel I-PER\nsaw O\nParis B-LOC\n. O\n"
    (tmp_path / "gold.conll").write_text(gold, encoding="utf-8")
    ended = nerve("thresholds", "en", "gold.conll", "--precision", "0.9")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert [line[0] for line in lines if line[1:2] == ["min_score"]] == ["LOC:", "PER:"]
    assert lines[-5:-3] == [[label, "0.0", "100.0", "100.0", "1"] for label in ("LOC", "PER")]
    assert ended.stdout.splitlines()[-2:] == [
        "nerve tag --min-score LOC=0.0,PER=0.0",
        '{"min_score": {"LOC": 0.0, "PER": 0.0}}',
    ]


def test_a_file_that_is_not_there_is_one_line(nerve: Nerve) -> None:
    ended = nerve("thresholds", "en", "nowhere.conll")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("nerve thresholds: nowhere.conll:1: cannot be read")

"""`nerve data`: what it prints, writes and returns."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]
TEN = "".join(f"A{n}\tB-PER\nleft\tO\nthe\tO\nold{n}\tO\ntown\tO\n\n" for n in range(10))


def test_the_status_says_whether_training_makes_sense(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "good").write_text(TEN)
    (tmp_path / "bad").write_text(TEN + "x\tI-LOC\ny\tB-LOC\nz\tI-PER\n")
    good = nerve("data", "good")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("\n\ntraining makes sense: nothing was found to be wrong\n")
    bad = nerve("data", "bad")
    assert (bad.returncode, bad.stderr) == (1, "")
    assert "error    tags that may not stand where they do, in 1 place" in bad.stdout
    assert bad.stdout.endswith("training makes no sense yet: 1 error\n")


def test_every_place_is_shown_on_demand(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "train").write_text(TEN * 2)
    assert "         and 7 more; --all shows them\n" in nerve("data", "train").stdout
    assert nerve("data", "train", "--all").stdout.count(" again\n") == 10
    assert json.loads(nerve("data", "train", "--json").stdout)["trainable"] is True


def test_a_cleaned_copy_is_named_with_its_report(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text(TEN * 2)
    ended = nerve("data", "train.conll", "--fix")
    line = "train.clean.conll: columns, 10 changes, listed in train.clean.txt\n"
    assert (ended.returncode, ended.stderr) == (0, line)
    assert (tmp_path / "train.clean.conll").read_text() == TEN


def test_a_file_that_is_not_there_is_a_finding(nerve: Nerve) -> None:
    ended = nerve("data", "nowhere")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "error    a file cannot be read\n         nowhere:1: cannot be read: No such file" in ended.stdout

"""The recipe for Spark, run as the page shows it. pyspark is not among the packages of the tests, and needs Java."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nerve
from tests.support.documents import ROOT, blocks
from tests.support.shell import environment

pytest.importorskip("pyspark")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java")

TEXTS = ["Ada Lovelace wrote to London.", None, "Nobody.", "Tim Cook flew to Paris."] * 50


def test_the_recipe_of_the_page_tags_each_row_once_and_loads_the_model_once_a_worker(tmp_path: Path) -> None:
    (program,) = (one.content for one in blocks(ROOT / "docs" / "scaling.md", "python") if "pyspark" in one.content)
    (tmp_path / "tag.py").write_text(program)
    posts = tmp_path / "posts"
    posts.mkdir()
    for number in range(4):
        rows = [{"id": n, "text": text} for n, text in enumerate(TEXTS) if n % 4 == number]
        pq.write_table(
            pa.Table.from_pylist(rows, pa.schema([("id", pa.int64()), ("text", pa.string())])),
            posts / f"{number}.parquet",
        )
    # Python runs this at the start of each process: the workers write down when they load a model.
    (tmp_path / "sitecustomize.py").write_text(COUNTING)
    variables = {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "LOADS": str(tmp_path / "loads"),
        "PYSPARK_PYTHON": sys.executable,
    }
    home = {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
    submit = [sys.executable, "tag.py", "posts", "tagged"]
    master = {"PYSPARK_SUBMIT_ARGS": "--master local[2,4] --conf spark.ui.enabled=false pyspark-shell"}
    subprocess.run(submit, cwd=tmp_path, env=environment(**variables, **home, **master), check=True, timeout=480)
    found = sorted(pq.read_table(tmp_path / "tagged").to_pylist(), key=lambda row: row["id"])
    tagger = nerve.load("en")
    expected = [None if text is None else tagger(text).to_json()["ents"] for text in TEXTS]
    assert [row["text"] for row in found] == TEXTS
    assert json.dumps(expected[0]) != "[]"
    for row, ents in zip(found, expected, strict=True):
        close = ents and [{**ent, "score": pytest.approx(ent["score"], abs=1e-5)} for ent in ents]
        assert row["ents"] == close
    loads = (tmp_path / "loads").read_text().split()
    assert len(loads) == len(set(loads)) <= 2


COUNTING = """
import os
import sys


class Seen:
    def find_spec(self, name, path, target=None):
        if name == "nerve.model.recognizer":
            with open(os.environ["LOADS"], "a") as file:
                file.write(f"{os.getpid()}\\n")


sys.meta_path.insert(0, Seen())
"""

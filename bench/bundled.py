"""The bundled models on sets that they were not trained on, for docs/accuracy.md.

    python -m bench.bundled
    python -m bench.accuracy --page

Scores the labels that data and model share and writes results/bundled.json. The sets that the models were trained on
are in their cards.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nerve.training.evaluate import main as evaluate

HERE = Path(__file__).parent
RESULTS, MODELS = HERE / "results" / "bundled.json", HERE.parent / "models"


class Case(NamedTuple):
    model: str
    dataset: str
    split: str
    about: str
    labels: str
    map: str = ""


_POLITICS = (
    "politician=PER,politicalparty=ORG,person=PER,organisation=ORG,country=LOC,location=LOC,election=?,event=?,misc=?"
)
_WEIBO = "PER.NAM=PER,ORG.NAM=ORG,LOC.NAM=LOC,GPE.NAM=LOC,PER.NOM=O,ORG.NOM=O,LOC.NOM=O,GPE.NOM=O"
_RESUME = "NAME=PER,ORG=?,LOC=?,TITLE=O,EDU=O,CONT=O,PRO=O,RACE=O"

CASES = (
    Case("en", "conll2003", "test", "Reuters news, 1996", "PER,ORG,LOC"),
    Case("en", "conllpp", "test", "the same, annotation corrected", "PER,ORG,LOC"),
    Case("en", "crossner/politics", "dev", "Wikipedia, politics", "PER,ORG,LOC", _POLITICS),
    Case("zh", "msra", "test", "news", "PER,ORG,LOC"),
    Case("zh", "weibo", "test", "social media, proper names", "PER,ORG,LOC", _WEIBO),
    Case("zh", "resume", "test", "CVs, persons", "PER", _RESUME),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.bundled", description="Score the bundled models elsewhere."
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    options = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder, "scores.json")
        for case in CASES:
            words = [str(MODELS / f"{case.model}.pt"), "--dataset", case.dataset, "--split", case.split]
            words += ["--labels", case.labels, "--json", str(scores), "--raw"]
            words += ["--map", case.map] if case.map else []
            words += ["--data-dir", str(options.data_dir)] if options.data_dir else []
            if evaluate(words):
                return 1
            found = json.loads(scores.read_text(encoding="utf-8"))
            figures = {key: found[key] for key in ("precision", "recall", "f1", "raw_text_f1", "support")}
            rows.append({**case._asdict(), **figures})
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

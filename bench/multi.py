"""The multilingual model by language, beside published figures: a section of docs/accuracy.md.

    python -m bench.accuracy --page

Its figures are those that models/multi.pt states, which `python -m recipes.cards` measures again; multi.toml has
the published ones.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from bench.tables import wrapped
from nerve.model import bundled
from nerve.model.contents import read_contents

PUBLISHED = Path(__file__).with_name("multi.toml")


def section() -> Iterator[str]:
    """The lines of the section."""
    about = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    scores = read_contents(bundled.path_of("multi")).metadata.scores
    yield from ("## The multilingual model, by language", "", wrapped(_PROTOCOL), "")
    yield "| language | corpus | text | names | F1 | F1 on raw text | PER | ORG | LOC | MISC | published |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|"
    for name, row in about.items():
        score = scores[f"{name} test"]
        labels = " | ".join(_f1(score["labels"].get(label)) for label in ("PER", "ORG", "LOC", "MISC"))
        mark = " †" if "differs" in row else ""
        yield (
            f"| {row['language']} | {name} | {row['text']} | {score['support']:,} | **{score['f1']:.1f}** |"
            f" {score['raw_text_f1']:.1f} | {labels} | {row.get('published', '')}{mark} |"
        )
    differ = [f"{row['language']}: {row['differs']}" for row in about.values() if "differs" in row]
    yield from ("", wrapped(f"† Not the same task. {'; '.join(differ)}."))


def _f1(score: dict[str, float] | None) -> str:
    return f"{score['f1']:.1f}" if score else ""


_PROTOCOL = (
    "models/multi.pt on test sentences of every language that it was trained on: micro F1 on the labels that the"
    " corpus annotates, on its own tokens and on raw text. It is one LSTM of 200 units each way for all of them. The"
    " published figures are those of transformers with 110 to 560 million weights, fine-tuned on one language, but"
    " for GermEval's: XLM-R is what Mayhew et al. (2024) report in the paper on Universal NER. [The recipe]"
    "(../recipes/multi/README.md) says which sentences are the test and how labels are mapped."
)

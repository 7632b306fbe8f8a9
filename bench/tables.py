"""The tables that set nerve beside other taggers, made of results/bundled.json and results/peers.json alone.

    python -m bench.tables     # the short table, as README.md may have it; also in results/summary.md

`bench.accuracy --page` puts the long one into docs/accuracy.md.
"""

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.pipelines import LABELS

RESULTS = Path(__file__).parent / "results"
BUNDLED, PEERS, SUMMARY = RESULTS / "bundled.json", RESULTS / "peers.json", RESULTS / "summary.md"
BATCHED, ALONE = "in 32s, tokens/s", "one at a time, tokens/s"
SHORT = ("conll2003", "docred", "crossner/politics", "uner_en_ewt", "wnut17")
"""The sets of the short table: three that no training saw, and two whose train split nerve's training saw."""

Results = Mapping[str, Any]


def main() -> int:
    """Print the short table and keep it."""
    lines = "\n".join(short(read(BUNDLED), read(PEERS))) + "\n"
    SUMMARY.write_text(lines, encoding="utf-8")
    print(lines, end="")
    return 0


def read(path: Path) -> Results:
    """The results in a file."""
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results


def short(bundled: Results, peers: Results) -> Iterator[str]:
    """F1 on some sets, speed on one core and size on disk, of nerve and of each pipeline of spaCy."""
    taggers = bundled["taggers"]["en"]
    speeds = {row["tagger"]: row for row in peers["rows"]}
    yield f"| | {' | '.join(taggers)} |"
    yield f"|---|{'---:|' * len(taggers)}"
    for row, f1 in _sets(bundled, "en"):
        if row["dataset"] in SHORT:
            mark = "" if row["seen"] == "nothing" else " †"
            yield f"| F1: {row['dataset']} {row['split']}{mark} | {_cells(f1.get(name) for name in taggers)} |"
    for title, key in (("in batches of 32", BATCHED), ("one at a time", ALONE)):
        values = " | ".join(f"{speeds[name][key]:,.0f}" if name in speeds else "not measured" for name in taggers)
        yield f"| tokens/s on one core, {title} | {values} |"
    sizes = " | ".join(f"{about['megabytes']:.0f} MB" for about in taggers.values())
    yield f"| model on disk | {sizes} |"
    yield ""
    yield "† nerve's training saw the train split of this corpus; spaCy's did not."


def beside(results: Results) -> Iterator[str]:
    """The section of docs/accuracy.md on the bundled models and spaCy's pipelines."""
    taggers = results["taggers"]["en"]
    yield from ("## The bundled models beside spaCy's pipelines", "", wrapped(_protocol(results)), "")
    yield wrapped(_taggers(taggers))
    yield from ("", f"| set | text | names | nerve's training saw | {' | '.join(taggers)} |")
    yield f"|---|---|---:|---|{'---:|' * len(taggers)}"
    for row, f1 in _sets(results, "en"):
        about = f"{row['about']} | {row['names']:,} | {row['seen']}"
        yield f"| {row['dataset']} {row['split']} | {about} | {_cells(f1.get(name) for name in taggers)} |"
    yield from ("", wrapped(_NOT_MEASURED), "", wrapped(_CHINESE), "")
    yield from ("| set | text | names | labels | nerve |", "|---|---|---:|---|---:|")
    for row, f1 in _sets(results, "zh"):
        about = f"{row['about']} | {row['names']:,} | {', '.join(row['labels'])}"
        yield f"| {row['dataset']} {row['split']} | {about} | {f1['nerve']:.1f} |"


def unseen(results: Results) -> dict[str, float]:
    """The mean F1 of each tagger on the English sets that no training saw."""
    sets = [f1 for row, f1 in _sets(results, "en") if row["seen"] == "nothing"]
    return {name: fmean(f1[name] for f1 in sets) for name in results["taggers"]["en"]}


def wrapped(text: str) -> str:
    """Text in lines of the width that documents have."""
    return textwrap.fill(text, 118, break_on_hyphens=False)


def _protocol(results: Results) -> str:
    mapped = ", ".join(f"{theirs} to {ours}" for theirs, ours in LABELS.items() if theirs != ours)
    rows = [row for row in results["rows"] if row["language"] == "en" and not row["cut_titles"]]
    ours, theirs = (
        max((row["f1"] - row["exact_f1"] for row in rows if (row["tagger"] == "nerve") is own), default=0.0)
        for own in (True, False)
    )
    return (
        "Micro F1 on PER, ORG and LOC, written by `python -m bench.bundled`. Every tagger reads the same raw texts,"
        " one sentence each, and cuts them into tokens itself. A name is right if its characters and its label are"
        f" exactly those of the corpus (seqeval, strict). spaCy's labels are mapped ({mapped}); names of other labels"
        " are no names. The corpora disagree on whether a leading `the` and a trailing `'s` belong to a name, so both"
        " are cut from every span, the corpus's and the taggers': spaCy's F1 would otherwise be lower by up to"
        f" {theirs:.1f}, nerve's by up to {ours:.1f}. The cards in models/ have stricter figures on the corpora's own"
        " tokens, with nothing cut."
    )


def _taggers(taggers: Results) -> str:
    pipelines = "; ".join(
        f"{name} is {about['package']} ({about['megabytes']:.0f} MB)"
        for name, about in taggers.items()
        if name != "nerve"
    )
    stated = " and ".join(f"{about['own_f1']:.1f}" for name, about in taggers.items() if name != "nerve")
    return (
        f"nerve is models/en.pt ({taggers['nerve']['megabytes']:.0f} MB); {pipelines}. spaCy's pipelines were trained"
        f" on OntoNotes 5, on whose 18 labels their authors report F1 of {stated}; its texts are not free, so it is"
        " not among the sets. Where the table says `train`, nerve has learned what that corpus calls a name and spaCy"
        " has not; where it says `nothing`, neither has seen the corpus. gmb counts a title as part of the name,"
        " which neither tagger does; a row shows what is left of the difference without titles."
        " docred counts some peoples (`American`) as locations, which neither tagger does; they are taken out."
    )


_CHINESE = (
    "The bundled Chinese model, measured in the same way, each sentence alone. With the sentences around them, as the"
    " service reads texts, those of msra [gain half a point](decisions/document-context.md#why)."
)

_NOT_MEASURED = (
    "Not measured: spaCy lg, which Presidio uses by default, Stanza, Flair and GLiNER, whose weights were not to be"
    " had as packages. `bench.bundled` measures spaCy lg as well where it is installed."
    " [Performance](performance.md#comparison-with-other-taggers) has how fast each is."
)


def _sets(results: Results, language: str) -> Iterator[tuple[Results, dict[str, float]]]:
    """For each set of a language, in the plan's order, nerve's row and the F1 of every tagger."""
    rows = [row for row in results["rows"] if row["language"] == language]
    for row in rows:
        if row["tagger"] == "nerve":
            yield row, {other["tagger"]: other["f1"] for other in rows if _key(other) == _key(row)}


def _key(row: Results) -> tuple[object, ...]:
    return row["dataset"], row["split"], row["cut_titles"]


def _cells(scores: "Iterator[float | None]") -> str:
    return " | ".join("not measured" if f1 is None else f"{f1:.1f}" for f1 in scores)


if __name__ == "__main__":
    sys.exit(main())

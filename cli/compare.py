"""`nerve compare`: says which of two models is better on an annotated file, by how much, and who is right where."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from nerve.cli import error_page, errors, held_out, options, tables
from nerve.cli.compare_options import PROGRAM, parse
from nerve.model.archive import Archive, load
from nerve.model.files import write_whole
from nerve.training.data import division
from nerve.training.measure import comparison
from nerve.training.measure import errors as measured
from nerve.training.measure.comparison import FEW, SAMPLES, Difference, Side
from nerve.training.measure.errors import ReadSentence

HEAD = ("label", "names", "F1 of A", "F1 of B", "difference", "95 % interval")


def main(arguments: Sequence[str]) -> int:
    """Run `nerve compare` and return its exit status."""
    chosen = parse(arguments)
    return held_out.status(PROGRAM, lambda: _show(chosen))


def _show(chosen: argparse.Namespace) -> None:
    """Write the sentences, then print the figures. Raises the errors that `held_out.status` names."""
    documents, what = division.units(held_out.config(chosen))
    archives = [load(path, chosen.device) for path in (chosen.a, chosen.b)]
    (first, labels), (second, _) = (_read(archive, chosen) for archive in archives)
    names = [one.names for one in first], [one.names for one in second]
    found = {label: comparison.difference(*names, documents, label) for label in labels}
    found["all"] = comparison.difference(*names, documents)
    rows = [row(label, one) for label, one in found.items()]
    models = {"A": archives[0].name, "B": archives[1].name}
    if models["A"] == models["B"]:
        models = {"A": str(chosen.a), "B": str(chosen.b)}
    end = list(summary(found["all"], first, second, what, max(documents, default=-1) + 1))
    shown = {side: some[: chosen.limit] for side, some in comparison.only_right(first, second).items()}
    if chosen.output is None:
        _print(shown, colour=options.coloured(chosen.color))
    elif chosen.output.suffix == ".jsonl":
        lines = (
            json.dumps({"right": side, **errors.to_json(sentence)}, ensure_ascii=False) + "\n"
            for side, some in shown.items()
            for sentence in some
        )
        write_whole(chosen.output, "".join(lines).encode("utf-8", "backslashreplace"))
    else:
        page = _page(chosen.file.name, models, rows, end, shown)
        write_whole(chosen.output, page.encode("utf-8", "backslashreplace"))
    for side, model in models.items():
        print(f"{side}  {model}")
    print(f"\n{tables.text(HEAD, rows)}\n")
    print("\n".join(end))


def _read(archive: Archive, chosen: argparse.Namespace) -> tuple[list[ReadSentence], tuple[str, ...]]:
    corpus = held_out.corpus(archive, chosen)
    return measured.read(archive, corpus, held_out.SPLIT), corpus.annotates


def row(label: str, one: Difference) -> tuple[str, int, float, float, str, str]:
    """The row of a label."""
    return (label, one.names, one.first, one.second, f"{one.points:+.1f}", f"{one.low:+.1f} to {one.high:+.1f}")


def summary(
    one: Difference, first: Sequence[ReadSentence], second: Sequence[ReadSentence], what: str, documents: int
) -> Iterator[str]:
    """The last lines: in how many sentences who is right, and what the interval tells."""
    pairs = [(not own.errors, not other.errors) for own, other in zip(first, second, strict=True)]
    both, alone, other = (pairs.count(pair) for pair in ((True, True), (True, False), (False, True)))
    yield (
        f"of {len(pairs):,} sentences both get {both:,} right, only A {alone:,}, only B {other:,}, "
        f"neither {len(pairs) - both - alone - other:,}"
    )
    yield f"B is better in {one.better:.0%} of {SAMPLES:,} files drawn from {what}"
    if documents < FEW:
        yield f"with fewer than {FEW} documents the interval says little"
    yield f"micro F1 of A {one.first:.2f}, of B {one.second:.2f}: {one.verdict}"


def _print(shown: Mapping[Side, Sequence[ReadSentence]], *, colour: bool) -> None:
    for side, some in shown.items():
        for sentence in some:
            heading, *lines = errors.as_text(sentence, colour=colour)
            print("\n".join([f"{heading}: only {side} is right", *lines]), end="\n\n")


def _page(
    file: str,
    models: Mapping[str, str],
    rows: Sequence[Sequence[object]],
    end: Sequence[str],
    shown: Mapping[Side, Sequence[ReadSentence]],
) -> str:
    title = f"{models['A']} (A) and {models['B']} (B) on {file}"
    cells = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in one] for one in rows]
    body = [f"<h1>{escape(title)}</h1>", error_page.table("F1 by label", HEAD, cells)]
    body += [f"<p>{escape(line)}</p>" for line in end]
    body.append(error_page.switches())
    for side, some in shown.items():
        other = "B" if side == "A" else "A"
        body.append(f"<h2>Only {side} is right: errors of {other}</h2>")
        body += map(error_page.article, some)
    return error_page.document(title, body)

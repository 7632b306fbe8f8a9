"""What `nerve data` prints: counts, labels with examples, lengths, and the findings; and the same as JSON."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nerve.training.data.quality.examined import Examined
from nerve.training.data.quality.findings import ERROR, Finding

_PLACES = 3
_WIDTH = 118


def text(files: Sequence[Examined], found: Sequence[Finding], *, places: int = _PLACES) -> str:
    """The report for a terminal.

    Args:
        files: The files, the one to train on first.
        found: Their findings.
        places: How many places of a finding to show.
    """
    readable = [file for file in files if file.loaded]
    parts = [_table(_counts(readable)), _table(_labels(readable)), _table(_measures(readable))]
    parts += ["\n".join(line for finding in found for line in _lines(finding, places))]
    return "\n\n".join(part for part in [*parts, verdict(found)] if part)


def verdict(found: Sequence[Finding]) -> str:
    """Whether training makes sense, in one line."""
    errors = sum(finding.severity == ERROR for finding in found)
    if errors:
        return f"training makes no sense yet: {_kinds(errors, 'error')}"
    warnings = f", but see {_kinds(len(found), 'warning')} above" if found else ": nothing was found to be wrong"
    return f"training makes sense{warnings}"


def to_json(files: Sequence[Examined], found: Sequence[Finding]) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "files": [_facts(file) for file in files],
        "findings": [finding._asdict() for finding in found],
        "trainable": not any(finding.severity == ERROR for finding in found),
    }


def _facts(file: Examined) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "format": file.loaded.format if file.loaded else None,
        "texts": len(file.documents),
        "sentences": len(file.sentences),
        "tokens": file.words.total(),
        "names": dict(file.labels.most_common()),
        "sentence_tokens": _quantiles(file.sentence_lengths),
        "name_tokens": _quantiles(file.name_lengths),
        "tokenizer_agreement": file.agreement,
    }


def _lines(finding: Finding, places: int) -> Iterable[str]:
    advice = f"; {finding.advice}" if finding.advice else ""
    yield f"{finding.severity:<8} {finding.fact}{advice}"
    for where in finding.places[:places]:
        yield f"         {where}"
    if len(finding.places) > places:
        yield f"         and {len(finding.places) - places:,} more; --all shows them"


def _counts(files: Sequence[Examined]) -> list[list[str]]:
    rows = [["file", "format", "texts", "sentences", "tokens", "names"]]
    for file in files:
        numbers = (len(file.documents), len(file.sentences), file.words.total(), file.labels.total())
        rows.append([file.path.name, file.loaded.format if file.loaded else "", *(f"{n:,}" for n in numbers)])
    return rows


def _labels(files: Sequence[Examined]) -> list[list[str]]:
    labels = dict.fromkeys(label for file in files for label, _ in file.labels.most_common())
    rows = [["label", *(file.path.name for file in files), "examples"]]
    for label in labels:
        examples = next(file.examples(label) for file in files if label in file.labels)
        rows.append([label, *(f"{file.labels[label]:,}" for file in files), examples])
    return rows if labels else []


def _measures(files: Sequence[Examined]) -> list[list[str]]:
    if not files:
        return []
    first = files[0]
    known = {name for names in first.names.values() for name in names}
    measures: list[tuple[str, Callable[[Examined], str]]] = [
        ("tokens of a sentence: median, 95 %, most", lambda file: _spread(file.sentence_lengths)),
        ("tokens of a name: median, 95 %, most", lambda file: _spread(file.name_lengths)),
        ("names at the edges of nerve's tokens", lambda file: _percent(file.agreement)),
    ]
    rows = [["", *(file.path.name for file in files)]]
    rows += [[title, *(measure(file) for file in files)] for title, measure in measures]
    if len(files) > 1:
        held_out = files[1:]
        words = [_share(file.words, first.words) for file in held_out]
        names = [_share(_all_names(file), known) for file in held_out]
        rows.append([f"words that {first.path.name} has", "", *words])
        rows.append([f"names that {first.path.name} has", "", *names])
    return rows


def _all_names(file: Examined) -> dict[str, int]:
    counts: dict[str, int] = {}
    for names in file.names.values():
        for name, count in names.items():
            counts[name] = counts.get(name, 0) + count
    return counts


def _share(counts: Mapping[str, int], known: Iterable[str]) -> str:
    among = set(known)
    total = sum(counts.values())
    return _percent(sum(count for word, count in counts.items() if word in among) / total if total else None)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}".replace("%", " %")


def _quantiles(lengths: Sequence[int]) -> list[int]:
    if not lengths:
        return []
    return [lengths[len(lengths) // 2], lengths[math.ceil(0.95 * len(lengths)) - 1], lengths[-1]]


def _spread(lengths: Sequence[int]) -> str:
    return ", ".join(f"{length:,}" for length in _quantiles(lengths))


def _kinds(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count} {word}s"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns, numbers to the right, cut at the width of a terminal."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if other[:1].isdigit() else cell.ljust(width)
            for cell, width, other in zip(row, widths, rows[-1], strict=True)
        ]
        lines.append("  ".join(cells).rstrip()[:_WIDTH])
    return "\n".join(lines)

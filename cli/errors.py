"""`nerve errors`: shows what a model gets wrong in an annotated file, the likely mistakes of the annotation first."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nerve.cli import error_page, held_out, options, tables
from nerve.cli.errors_options import PROGRAM, parse
from nerve.model.annotation import SCORE_DIGITS, Span
from nerve.model.archive import load
from nerve.model.files import write_whole
from nerve.training.measure import errors, scores
from nerve.training.measure.calibration import SURE
from nerve.training.measure.errors import KINDS, Error, Kind, ReadSentence

SUSPICIOUS = "annotation mistake?"

# ANSI codes: yellow, red, magenta, cyan.
_COLOURS: Mapping[Kind, int] = dict(zip(KINDS, (33, 31, 35, 36), strict=True))


def main(arguments: Sequence[str]) -> int:
    """Run `nerve errors` and return its exit status."""
    chosen = parse(arguments)
    return held_out.status(PROGRAM, lambda: _show(chosen))


def _show(chosen: argparse.Namespace) -> None:
    """Write the sentences, then print the tables. Raises the errors that `held_out.status` names."""
    archive = load(chosen.archive, chosen.device)
    corpus = held_out.corpus(archive, chosen)
    read = errors.read(archive, corpus, held_out.SPLIT)
    wrong = errors.suspicious_first(read)[: chosen.limit]
    groups = {
        "label": errors.by_label(read, corpus.annotates),
        "words of the name": errors.by_word(read, errors.trained_words(archive)),
        "length of the sentence": errors.by_length(read),
    }
    confusion = scores.confusion(one.names for one in read)
    f1 = scores.score([one.names for one in read]).f1
    if chosen.output is None:
        colour = options.coloured(chosen.color)
        for sentence in wrong:
            print("\n".join(as_text(sentence, colour=colour)), end="\n\n")
    elif chosen.output.suffix == ".jsonl":
        lines = (json.dumps(to_json(sentence), ensure_ascii=False) + "\n" for sentence in wrong)
        write_whole(chosen.output, "".join(lines).encode("utf-8", "backslashreplace"))
    else:
        title = f"{archive.name} on {chosen.file.name}"
        page = error_page.page(title, f1, groups, (confusion, corpus.annotates), wrong)
        write_whole(chosen.output, page.encode("utf-8", "backslashreplace"))
    for name, some in groups.items():
        print(
            tables.text((name, *error_page.HEAD), [(row, *error_page.figures(group)) for row, group in some.items()])
        )
        print()
    print(tables.text(*error_page.confusion_rows(confusion, corpus.annotates)), end="\n\n")
    print(summary(read, f1))


def summary(read: Sequence[ReadSentence], f1: float) -> str:
    """The last lines: how many sentences and names are wrong, and the micro F1."""
    wrong = [one for one in read if one.errors]
    kinds = Counter(error.kind for one in wrong for error in one.errors)
    suspicious = sum(error.suspicious for one in wrong for error in one.errors)
    counts = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS)
    return (
        f"{len(wrong):,} of {len(read):,} sentences are wrong: {counts}\n"
        f"{suspicious:,} errors with a score of {SURE} or more: is the annotation right there?\n"
        f"micro F1 {f1:.2f}"
    )


def as_text(sentence: ReadSentence, *, colour: bool) -> Iterator[str]:
    """The sentence with its errors marked, then a line for each of them."""
    yield f"sentence {sentence.number}"
    yield f"  {_marked(sentence, colour=colour)}"
    for error in sentence.errors:
        doubt = f"  {SUSPICIOUS}" if error.suspicious else ""
        yield f"  {_painted(f'{error.kind:<14}', error.kind, colour=colour)}  {_facts(sentence, error)}{doubt}"


def to_json(sentence: ReadSentence) -> dict[str, Any]:
    """The sentence as JSON; offsets count its tokens."""
    return {
        "sentence": sentence.number,
        "tokens": sentence.tokens,
        "gold": [_span(sentence, span) for span in sentence.names.gold],
        "predicted": [_span(sentence, span) for span in sentence.names.predicted],
        "errors": [
            {
                "kind": error.kind,
                "gold": error.gold and _span(sentence, error.gold),
                "gold_score": None if error.gold_score is None else round(error.gold_score, SCORE_DIGITS),
                "predicted": error.predicted and _span(sentence, error.predicted),
                "score": round(error.score, SCORE_DIGITS),
            }
            for error in sentence.errors
        ],
    }


def _span(sentence: ReadSentence, span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "label": span.label, "text": _text(sentence, span)}


def _text(sentence: ReadSentence, span: Span) -> str:
    return " ".join(sentence.tokens[span.start : span.end])


def _facts(sentence: ReadSentence, error: Error) -> str:
    """What gold says and what the tagger says, each with its probability."""
    parts = []
    if error.gold is not None and error.gold_score is not None:
        parts.append(f"gold {error.gold.label} [{_text(sentence, error.gold)}] {error.gold_score:.2f}")
    if error.predicted is not None:
        parts.append(f"found {error.predicted.label} [{_text(sentence, error.predicted)}] {error.score:.2f}")
    else:
        parts.append(f"found no name {error.score:.2f}")
    return ", ".join(parts)


def _marked(sentence: ReadSentence, *, colour: bool) -> str:
    """The tokens with spaces between them, and the places of errors in colour or brackets."""
    tokens = list(sentence.tokens)
    for error in sentence.errors:
        start, end = error.place
        if colour:
            tokens[start] = f"\033[1;{_COLOURS[error.kind]}m{tokens[start]}"
            tokens[end - 1] += "\033[0m"
        else:
            tokens[start] = f"[{tokens[start]}"
            tokens[end - 1] += "]"
    return " ".join(tokens)


def _painted(text: str, kind: Kind, *, colour: bool) -> str:
    return f"\033[{_COLOURS[kind]}m{text}\033[0m" if colour else text

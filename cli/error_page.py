"""The errors of a model as one HTML page: no script, no font, no file besides it. `nerve errors` writes it.

The page of `nerve compare` is made of the same elements.
"""

from collections.abc import Mapping, Sequence
from html import escape

from nerve.model.annotation import Span
from nerve.training.measure.errors import KINDS, Error, Group, ReadSentence

HEAD = ("names", "right", *KINDS, "F1")
"""The columns of a table of groups."""

Confusion = tuple[Mapping[tuple[str, str], int], Sequence[str]]
"""What `scores.confusion` counts, and the labels."""

# One hue for each kind, in degrees.
_HUES = dict(zip(KINDS, (75, 25, 310, 220), strict=True))

_STYLE = """\
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0}
caption{text-align:left;font-weight:600}
th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid light-dark(#ddd,#444)}
th:first-child{text-align:left}
.confusion td{background:color-mix(in oklab,oklch(.6 .15 250) calc(var(--share)*1%),transparent)}
article{border-top:1px solid light-dark(#ddd,#444);padding:.5rem 0}
article p,article ul{margin:.2rem 0}
.number{color:light-dark(#666,#aaa);font-size:.85rem}
mark,b{color:inherit;background:light-dark(oklch(.93 .06 var(--hue)),oklch(.38 .08 var(--hue)));padding:0 .2rem;\
border-radius:.2rem}
fieldset{border:0;padding:0;position:sticky;top:0;background:Canvas}
label{margin-right:1rem;white-space:nowrap}
"""


def page(
    title: str,
    f1: float,
    groups: Mapping[str, Mapping[str, Group]],
    confusion: Confusion,
    wrong: Sequence[ReadSentence],
) -> str:
    """The page.

    Args:
        title: Model and file.
        f1: The micro F1 in percent.
        groups: The tables of groups, by what their first column holds.
        confusion: The labels of gold and tagger.
        wrong: The sentences to show, in this order.
    """
    body = [f"<h1>Errors of {escape(title)}</h1>", f"<p>Micro F1 {f1:.2f}. {len(wrong):,} sentences are shown.</p>"]
    for name, some in groups.items():
        rows = [[row, *map(_figure, figures(group))] for row, group in some.items()]
        body.append(table(f"By {name}", (name, *HEAD), rows))
    body.append(_confusion(*confusion))
    body.append("<h2>Sentences</h2><p>First those where the model is surest: the annotation may be the mistake.</p>")
    body.append(switches())
    body += map(article, wrong)
    return document(f"Errors of {title}", body)


def document(title: str, body: Sequence[str]) -> str:
    """A page of these elements, in the style of errors."""
    style = _STYLE + "".join(map(_hiding, range(len(KINDS))))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>{style}</style>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def switches() -> str:
    """The switches that show and hide the errors of each kind."""
    return "<fieldset>" + "".join(map(_switch, range(len(KINDS)))) + "</fieldset>"


def figures(group: Group) -> tuple[int | float, ...]:
    """The cells of a group under `HEAD`."""
    return (group.names, group.right, *(group.kinds[kind] for kind in KINDS), group.f1)


def confusion_rows(
    counts: Mapping[tuple[str, str], int], labels: Sequence[str]
) -> tuple[list[str], list[list[str | int]]]:
    """The head and the rows of the confusion: gold labels down, predicted ones across, `none` for no such name."""
    names = [*labels, "-"]
    shown = [*labels, "none"]
    rows: list[list[str | int]] = []
    for gold, name in zip(names, shown, strict=True):
        rows.append([name, *(counts.get((gold, predicted), 0) for predicted in names)])
    return ["gold \\ found", *shown], rows


def _confusion(counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> str:
    head, rows = confusion_rows(counts, labels)
    lines = []
    for name, *cells in rows:
        total = max(1, sum(cell for cell in cells if isinstance(cell, int)))
        tinted = "".join(
            f'<td style="--share:{80 * cell // total}">{cell:,}</td>' for cell in cells if isinstance(cell, int)
        )
        lines.append(f'<tr><th scope="row">{escape(str(name))}</th>{tinted}</tr>')
    caption = "Labels of names with the same boundaries (a name with others counts as not found, and as spurious)"
    return f'<table class="confusion"><caption>{caption}</caption>{_head(head)}{"".join(lines)}</table>'


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first cell of each row is its head."""
    lines = (
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption>{_head(head)}{''.join(lines)}</table>"


def _head(head: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head) + "</tr>"


def _figure(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else f"{value:,}"


def _switch(number: int) -> str:
    kind = KINDS[number]
    return f'<label><input type="checkbox" checked id="k{number}"> <b style="--hue:{_HUES[kind]}">{kind}</b></label>'


def _hiding(number: int) -> str:
    """Hide the errors of a kind whose switch is off, and a sentence without any other."""
    others = ",".join(f".k{n}" for n in range(len(KINDS)) if n != number)
    return (
        f"body:has(#k{number}:not(:checked)) li.k{number}{{display:none}}\n"
        f"body:has(#k{number}:not(:checked)) article:not(:has({others})){{display:none}}\n"
    )


def article(sentence: ReadSentence) -> str:
    """A sentence with its errors."""
    listed = "".join(_item(sentence, error) for error in sentence.errors)
    number = f'<p class="number">sentence {sentence.number}</p>'
    return f"<article>{number}<p>{_marked(sentence)}</p><ul>{listed}</ul></article>"


def _item(sentence: ReadSentence, error: Error) -> str:
    parts = []
    if error.gold is not None:
        parts.append(f"gold {_name(sentence, error.gold)} {error.gold_score:.2f}")
    if error.predicted is not None:
        parts.append(f"found {_name(sentence, error.predicted)} {error.score:.2f}")
    else:
        parts.append(f"found no name {error.score:.2f}")
    doubt = " · <strong>annotation mistake?</strong>" if error.suspicious else ""
    kind = f'<b style="--hue:{_HUES[error.kind]}">{error.kind}</b>'
    return f'<li class="k{KINDS.index(error.kind)}">{kind} {", ".join(parts)}{doubt}</li>'


def _name(sentence: ReadSentence, span: Span) -> str:
    return f"{escape(span.label)} <q>{escape(' '.join(sentence.tokens[span.start : span.end]))}</q>"


def _marked(sentence: ReadSentence) -> str:
    tokens = [escape(token) for token in sentence.tokens]
    for error in sentence.errors:
        start, end = error.place
        tokens[start] = f'<mark style="--hue:{_HUES[error.kind]}">{tokens[start]}'
        tokens[end - 1] += "</mark>"
    return " ".join(tokens)

"""A text with its entities highlighted, as HTML that stands by itself: no script, no font, no file.

It looks as the service's page does: a tinted box with a line in the label's colour, and label and score above it.
"""

from collections.abc import Sequence
from html import escape

from nerve.model.annotation import Entity

MAX_CHARACTERS = 20_000
"""A longer text is cut: browsers are slow with more, and nobody reads it in the output of a cell."""

# Hues in degrees, as in service/page/labels.js.
HUES = {"PER": 28, "LOC": 150, "ORG": 262, "DATE": 85, "MISC": 325}
OTHER_HUES = (205, 295, 118, 357, 56, 178, 234, 310, 100, 12)

# The colours follow the colour scheme of the page around the result. JupyterLab, VS Code and Colab show their theme
# by an attribute or a class, which the rules below read. An entity has its own background, so it is readable on any
# page.
STYLE = """\
.nerve-result{font:.9375rem/1.6 system-ui,sans-serif;white-space:pre-wrap;overflow-wrap:anywhere}
[data-jp-theme-light=true] .nerve-result,.vscode-light .nerve-result,[theme=light] .nerve-result{color-scheme:light}
[data-jp-theme-light=false] .nerve-result,.vscode-dark .nerve-result,[theme=dark] .nerve-result{color-scheme:dark}
.nerve-result mark{display:inline-block;max-width:100%;background:none;vertical-align:baseline;\
color:light-dark(oklch(0.21 0.008 270),oklch(0.93 0.004 90))}
.nerve-result mark::before{content:attr(data-gloss);display:block;font:600 .625rem/1.5 system-ui,sans-serif;\
letter-spacing:.03em;color:light-dark(oklch(0.46 0.13 var(--hue)),oklch(0.8 0.1 var(--hue)))}
.nerve-result mark span{display:inline-block;box-sizing:border-box;min-width:100%;padding:0 .15rem;\
line-height:1.35;border-radius:.25em .25em 0 0;\
border-bottom:2px solid light-dark(oklch(0.55 0.15 var(--hue)),oklch(0.72 0.12 var(--hue)));\
background:light-dark(oklch(0.945 0.038 var(--hue)),oklch(0.34 0.055 var(--hue)))}
.nerve-result p{margin:.5em 0 0;opacity:.7}
"""


def highlighted(text: str, entities: Sequence[Entity], labels: Sequence[str] = ()) -> str:
    """The HTML of a text and its entities, which are in the order of the text and do not overlap.

    Args:
        text: only its first `MAX_CHARACTERS` are shown, and a note says how much is left out.
        entities: those that end behind the cut are not shown.
        labels: all labels of the model, always in the same order, so that a label keeps its colour.
    """
    hues = _hues([*labels, *(entity.label for entity in entities)])
    shown = [entity for entity in entities if entity.end <= MAX_CHARACTERS]
    cut = MAX_CHARACTERS
    if len(shown) < len(entities):
        cut = min(cut, entities[len(shown)].start)  # never inside of a name
    parts, reached = [], 0
    for entity in shown:
        parts.append(_escaped(text[reached : entity.start]))
        parts.append(
            f'<mark style="--hue:{hues[entity.label]}" data-gloss="{_escaped(entity.label)} {entity.score:.2f}">'
            f"<span>{_escaped(entity.text)}</span></mark>"
        )
        reached = entity.end
    parts.append(_escaped(text[reached:cut]))
    if len(text) > cut:
        left_out = f"{len(text) - cut:,} more characters with {len(entities) - len(shown):,} entities are not shown."
        parts.append(f"<p>… {left_out}</p>")
    return f'<div class="nerve-result"><style>{STYLE}</style>{"".join(parts)}</div>'


def _hues(labels: Sequence[str]) -> dict[str, int]:
    others = [label for label in dict.fromkeys(labels) if label not in HUES]
    return HUES | {label: OTHER_HUES[number % len(OTHER_HUES)] for number, label in enumerate(others)}


def _escaped(text: str) -> str:
    # A notebook is sent and stored as UTF-8, which cannot hold a lone surrogate.
    return escape(text.encode("utf-8", "replace").decode())

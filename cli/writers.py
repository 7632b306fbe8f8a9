"""What `nerve tag` writes, a text at a time: JSON lines, CoNLL columns, or the text with its names marked."""

import json
from collections.abc import Callable, Sequence

from nerve.cli.records import Record
from nerve.model.annotation import Entity
from nerve.model.tags import OUTSIDE

FORMATS = ("jsonl", "conll", "inline")

# Bold, in blue, green, yellow, magenta, cyan and red: a colour a label, from the first again when they run out.
_COLOURS = (34, 32, 33, 35, 36, 31)

Writer = Callable[[Record, Sequence[Entity]], str]


def writer(form: str, labels: Sequence[str], *, colour: bool, gap: bool) -> Writer:
    """The function from a text and its entities to what is written.

    Args:
        labels: all that there may be.
        gap: whether a blank line follows each marked text.
    """
    if form == "jsonl":
        return json_line
    if form == "conll":
        return columns
    codes = {label: _COLOURS[position % len(_COLOURS)] for position, label in enumerate(labels)} if colour else {}
    return lambda record, entities: _marked(record.text, entities, codes) + ("\n\n" if gap else "\n")


def json_line(record: Record, entities: Sequence[Entity]) -> str:
    """The object that the text came in, with the text as `text` and the entities as `ents`, in the shape of the
    service's answer."""
    ents = [entity.to_json() for entity in entities]
    line = json.dumps({**record.fields, "text": record.text, "ents": ents}, ensure_ascii=False)
    # A lone surrogate, which only the other fields may have, is no UTF-8: it goes as it came.
    return line.encode("utf-8", "backslashreplace").decode() + "\n"


def columns(record: Record, entities: Sequence[Entity]) -> str:
    """A token a line with its tag in BIO behind a tab, and a blank line after each sentence."""
    begins = {entity.start: entity for entity in entities}
    inside, lines = None, []
    for sentence in record.sentences:
        for token in sentence:
            entity = begins.get(token.start)
            if entity is not None:
                inside, tag = entity, f"B-{entity.label}"
            elif inside is not None and token.start < inside.end:
                tag = f"I-{inside.label}"
            else:
                inside, tag = None, OUTSIDE
            lines.append(f"{token.text}\t{tag}\n")
        lines.append("\n")
    return "".join(lines)


def _marked(text: str, entities: Sequence[Entity], codes: dict[str, int]) -> str:
    """`[Ada Lovelace PER] wrote`, or the same in colours instead of brackets."""
    parts, reached = [], 0
    for entity in entities:
        parts.append(text[reached : entity.start])
        if codes:
            code = codes[entity.label]
            parts.append(f"\033[1;{code}m{entity.text}\033[0m \033[2;{code}m{entity.label}\033[0m")
        else:
            parts.append(f"[{entity.text} {entity.label}]")
        reached = entity.end
    return "".join([*parts, text[reached:]])

"""Suggested texts as tasks of an annotation tool, with the names that the model found in them as a first annotation.

What each tool exports after correction, `nerve train` and `nerve convert` read (training/data/formats/spans.py).
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.model.tokenizer import sentences
from nerve.training.suggest.selection import Candidate

Json = dict[str, Any]

_RESERVED = frozenset(
    {"text", "data", "label", "labels", "spans", "tokens", "answer", "annotations", "predictions", "meta", "doc_id"}
)
"""Fields that mean something to the tools or to the readers of their exports."""


class Task(NamedTuple):
    """A text to annotate, and the names in it as the model sees them."""

    candidate: Candidate
    entities: Sequence[Entity]


def label_studio(tasks: Iterable[Task], model: str) -> str:
    """A JSON array of tasks with predictions, for a configuration with `<Labels name="label" toName="text">`.

    The score of a prediction is exp(-uncertainty), from 0 to 1, so that the project can order its tasks by it.
    """
    lines = ",\n".join(_line(_label_studio(task, model)) for task in tasks)
    return f"[\n{lines}\n]\n"


def _label_studio(task: Task, model: str) -> Json:
    regions = [
        {
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": entity.start, "end": entity.end, "text": entity.text, "labels": [entity.label]},
            "score": round(entity.score, SCORE_DIGITS),
        }
        for entity in task.entities
    ]
    score = round(math.exp(-task.candidate.uncertainty), SCORE_DIGITS)
    prediction = {"model_version": model, "score": score, "result": regions}
    return {"data": {"text": task.candidate.text, **_facts(task.candidate)}, "predictions": [prediction]}


def doccano(tasks: Iterable[Task], _model: str) -> str:
    """JSON lines, whose offsets count UTF-16 code units, as doccano's page does."""
    return "".join(_line(_doccano(task)) + "\n" for task in tasks)


def _doccano(task: Task) -> Json:
    text = task.candidate.text
    labels = [[_units(text[: entity.start]), _units(text[: entity.end]), entity.label] for entity in task.entities]
    return {"text": text, "label": labels, **_facts(task.candidate)}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def prodigy(tasks: Iterable[Task], _model: str) -> str:
    """JSON lines with the tokens that the spans refer to, so that Prodigy does not cut the text otherwise."""
    return "".join(_line(_prodigy(task)) + "\n" for task in tasks)


def _prodigy(task: Task) -> Json:
    text = task.candidate.text
    cut = [token for sentence in sentences(text) for token in sentence]
    first = {token.start: number for number, token in enumerate(cut)}
    last = {token.end: number for number, token in enumerate(cut)}
    tokens = [
        {
            "text": token.text,
            "start": token.start,
            "end": token.end,
            "id": number,
            "ws": text[token.end :][:1].isspace(),
        }
        for number, token in enumerate(cut)
    ]
    spans = [
        {
            "start": entity.start,
            "end": entity.end,
            "token_start": first[entity.start],
            "token_end": last[entity.end],
            "label": entity.label,
        }
        for entity in task.entities
    ]
    return {"text": text, "tokens": tokens, "spans": spans, "meta": _facts(task.candidate)}


def _facts(candidate: Candidate) -> Json:
    """The fields of the record that are no structure, its document, and how uncertain the model is of the text."""
    kept = {
        name: value
        for name, value in candidate.fields.items()
        if name not in _RESERVED and isinstance(value, str | int | float) and value != candidate.text
    }
    document = {"doc_id": candidate.document} if candidate.document else {}
    return {**kept, **document, "uncertainty": round(candidate.uncertainty, SCORE_DIGITS)}


def _line(record: Json) -> str:
    return json.dumps(record, ensure_ascii=False)


TOOLS: dict[str, Callable[[Iterable[Task], str], str]] = {
    "label-studio": label_studio,
    "doccano": doccano,
    "prodigy": prodigy,
}
"""By the names that `nerve convert` has for their formats: the content of a file of tasks, of tasks and a model."""

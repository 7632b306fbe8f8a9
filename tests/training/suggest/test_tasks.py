"""Tasks for the annotation tools: what the tools need, and that what they export afterwards trains a model."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nerve.model.annotation import Entity, Span
from nerve.training.data.formats import Reading, load
from nerve.training.data.formats.document import Text
from nerve.training.suggest.selection import Candidate
from nerve.training.suggest.tasks import TOOLS, Task

TEXT = "😀 Ada Lovelace met Babbage at Acme Corp in London."
ENTITIES = [
    Entity(2, 14, "PER", "Ada Lovelace", 0.9),
    Entity(19, 26, "ORG", "Babbage", 0.4),
    Entity(43, 49, "LOC", "London", 0.95),
]
FIELDS = {"id": 7, "text": TEXT, "source": "letters", "tags": ["x"], "label": "old", "answer": 42}
TASKS = [
    Task(Candidate(TEXT, 0.25, "letters", FIELDS), ENTITIES),
    Task(Candidate("Nobody came.", 0.125), []),
]
# What the annotator makes of it: another label, and a name more.
CORRECTED = (Span(2, 14, "PER"), Span(19, 26, "PER"), Span(30, 39, "ORG"), Span(43, 49, "LOC"))


def written(tool: str) -> list[dict[str, Any]]:
    content = TOOLS[tool](TASKS, "mine")
    records: list[dict[str, Any]] = (
        json.loads(content) if content.startswith("[") else list(map(json.loads, content.splitlines()))
    )
    return records


def test_label_studio_gets_predictions_that_it_can_sort_by() -> None:
    first, second = written("label-studio")
    assert first["data"] == {"text": TEXT, "id": 7, "source": "letters", "doc_id": "letters", "uncertainty": 0.25}
    (prediction,) = first["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("mine", 0.778801)
    assert [region["value"] for region in prediction["result"]] == [
        {"start": one.start, "end": one.end, "text": one.text, "labels": [one.label]} for one in ENTITIES
    ]
    assert {(one["from_name"], one["to_name"], one["type"]) for one in prediction["result"]} == {
        ("label", "text", "labels")
    }
    assert second["predictions"][0]["result"] == []


def test_doccano_gets_offsets_in_utf_16_units() -> None:
    first, second = written("doccano")
    assert first == {
        "text": TEXT,
        "label": [[3, 15, "PER"], [20, 27, "ORG"], [44, 50, "LOC"]],
        **{"id": 7, "source": "letters", "doc_id": "letters", "uncertainty": 0.25},
    }
    assert second == {"text": "Nobody came.", "label": [], "uncertainty": 0.125}


def test_prodigy_gets_tokens_and_spans_that_name_them() -> None:
    first, _ = written("prodigy")
    tokens = first["tokens"]
    assert [token["id"] for token in tokens] == list(range(len(tokens)))
    assert all(TEXT[token["start"] : token["end"]] == token["text"] for token in tokens)
    gaps = [(one["ws"], other["start"] - one["end"]) for one, other in pairwise(tokens)]
    assert all(space == (gap > 0) for space, gap in gaps)
    for span, entity in zip(first["spans"], ENTITIES, strict=True):
        ends = tokens[span["token_start"]]["start"], tokens[span["token_end"]]["end"]
        assert ends == (span["start"], span["end"]) == (entity.start, entity.end)
        assert span["label"] == entity.label
    assert first["meta"] == {"id": 7, "source": "letters", "doc_id": "letters", "uncertainty": 0.25}


def label_studio_exports(tasks: list[dict[str, Any]]) -> str:
    """JSON: the annotation was made from the prediction, which is still there."""
    exported = []
    for number, task in enumerate(tasks, start=1):
        spans = CORRECTED if number == 1 else ()
        text = task["data"]["text"]
        regions = [
            {
                "id": f"r{n}",
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "origin": "prediction-changed",
                "value": {
                    "start": span.start,
                    "end": span.end,
                    "text": text[span.start : span.end],
                    "labels": [span.label],
                },
            }
            for n, span in enumerate(spans)
        ]
        annotation = {"id": 30 + number, "completed_by": 1, "was_cancelled": False, "result": regions}
        exported.append({"id": number, **task, "annotations": [annotation], "drafts": [], "meta": {}})
    # A task that nobody has looked at yet has its prediction only.
    exported.append({"id": 3, **tasks[0], "annotations": [], "drafts": [], "meta": {}})
    return json.dumps(exported)


def doccano_exports(tasks: list[dict[str, Any]]) -> str:
    """JSONL; its page counts as JavaScript does."""
    tasks[0]["label"] = [[span.start + 1, span.end + 1, span.label] for span in CORRECTED]  # behind an emoji
    return "".join(json.dumps({"id": n, **task, "Comments": []}) + "\n" for n, task in enumerate(tasks, start=1))


def prodigy_exports(tasks: list[dict[str, Any]]) -> str:
    """`prodigy db-out`: what was rejected is there, too."""
    tasks[0]["spans"] = [{"start": span.start, "end": span.end, "label": span.label} for span in CORRECTED]
    answered = [{**task, "answer": "accept", "_input_hash": n, "_task_hash": -n} for n, task in enumerate(tasks)]
    rejected = {**answered[0], "text": "Ada", "spans": [], "answer": "reject", "_input_hash": 99}
    return "".join(json.dumps(task) + "\n" for task in [*answered, rejected])


@pytest.mark.parametrize(
    ("tool", "export", "offsets"),
    [
        ("label-studio", label_studio_exports, "codepoints"),
        ("doccano", doccano_exports, "utf16"),
        ("prodigy", prodigy_exports, "codepoints"),
    ],
)
def test_what_the_tool_exports_after_correction_is_read(
    tmp_path: Path, tool: str, export: Callable[[list[dict[str, Any]]], str], offsets: str
) -> None:
    path = tmp_path / "export"
    path.write_text(export(written(tool)), encoding="utf-8")
    loaded = load(path, Reading(offsets=offsets))
    assert loaded.format == tool
    first, second = loaded.faultless()
    assert (first.content, first.group) == (Text(TEXT, CORRECTED), "letters")
    assert second.content == Text("Nobody came.", ())


def test_tasks_of_label_studio_that_nobody_corrected_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text(TOOLS["label-studio"](TASKS, "mine"), encoding="utf-8")
    with pytest.raises(ValueError, match="nobody annotated yet"):
        load(tmp_path / "tasks.json")

"""The contract of Label Studio's ML backends: `POST /setup` and `POST /predict`.

`GET /health`, which Presidio has as well, is in `presidio.py`. The default model answers. Offsets count code points,
as in Label Studio.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.service.annotate.annotator import Task
from nerve.service.annotate.document import Annotation
from nerve.service.api.body import Items, check_limits, parse
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.labelling import Controls, controls_of
from nerve.service.api.route import Route, bytes_response, json_response
from nerve.service.api.structure import MOST_CONTAINERS
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.state import Service

# Configurations of real projects have some thousands of characters.
MAX_CONFIGURATION_CHARACTERS = 100_000
EXAMPLE_CONFIGURATION = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="Company" predicted_values="ORG"/>'
    '</Labels><Text name="text" value="$text"/></View>'
)
CONFIG = ConfigDict(strict=True, extra="ignore", frozen=True)


class LabelStudioTask(BaseModel):
    """A task of a project; one of the fields of `data` is its text."""

    model_config = CONFIG

    data: dict[str, JsonValue]


class SetupRequest(BaseModel):
    """A project. Other fields of Label Studio's have no effect."""

    model_config = CONFIG

    label_config: str = Field(
        alias="schema", max_length=MAX_CONFIGURATION_CHARACTERS, description="The labelling configuration, in XML."
    )


class PredictRequest(BaseModel):
    """The tasks of a project. Other fields of Label Studio's have no effect."""

    model_config = CONFIG

    tasks: Items[LabelStudioTask] = Field(max_length=MOST_CONTAINERS)
    label_config: str = Field(
        max_length=MAX_CONFIGURATION_CHARACTERS, description="The labelling configuration, in XML."
    )


class SetupAnswer(BaseModel):
    """That a project can be answered, and by which version."""

    model_version: str = Field(description="The name of the model and the beginning of the SHA-256 of its archive.")


class Prediction(BaseModel):
    """The entities of a task, as regions of Label Studio. `score` is the lowest of their scores, if there are any."""

    result: list[dict[str, JsonValue]]
    score: float | None
    model_version: str


class PredictAnswer(SetupAnswer):
    """The predictions for the tasks of a request."""

    results: list[Prediction] = Field(description="The predictions, one for each task.")


class Project(NamedTuple):
    """What is needed of a request: the model that answers, the controls of the project and the texts of its tasks."""

    model: ServedModel
    controls: Controls
    texts: list[str]


def _parse_setup(service: Service, _: Request, body: bytes) -> Project:
    return _project(service, parse(body, SetupRequest).label_config, [])


def _parse_predict(service: Service, _: Request, body: bytes) -> Project:
    parsed = parse(body, PredictRequest)
    return _project(service, parsed.label_config, parsed.tasks)


def _project(service: Service, configuration: str, tasks: Sequence[LabelStudioTask]) -> Project:
    model = service.registry.default
    controls = controls_of(configuration, model.recognizer.labels)
    texts = [_text(task, number, controls.field) for number, task in enumerate(tasks)]
    check_limits(texts, service.settings)
    return Project(model, controls, texts)


async def label_studio_setup(_: Service, _request: Request, project: Project) -> Response:
    """Answer whether the default model has labels of a project."""
    return json_response({"model_version": _version(project.model)})


async def label_studio_predict(service: Service, _: Request, project: Project) -> Response:
    """Answer the entities of the texts of tasks."""
    model, controls, texts = project
    with service.annotator.work(sum(map(len, texts))) as work:
        tasks = [Task(text, [model]) for text in texts]
        version = _version(model)
        return bytes_response(await work.compute(partial(_rendered, await work.annotate(tasks), controls, version)))


def _rendered(annotations: Sequence[Annotation], controls: Controls, version: str) -> bytes:
    results = [_prediction(annotation.likely, controls, version) for annotation in annotations]
    return to_json({"results": results, "model_version": version})


def _text(task: LabelStudioTask, number: int, field: str) -> str:
    text = task.data.get(field)
    if not isinstance(text, str):
        raise InvalidRequestError(
            f"tasks.{number}.data has no text in the field that the labelling configuration names"
        )
    return text


def _prediction(entities: list[Entity], controls: Controls, version: str) -> dict[str, Any]:
    kept = [entity for entity in entities if entity.label in controls.labels]
    scores = [round(entity.score, SCORE_DIGITS) for entity in kept]
    regions = [
        {
            "from_name": controls.from_name,
            "to_name": controls.to_name,
            "type": "labels",
            "value": {
                "start": entity.start,
                "end": entity.end,
                "text": entity.text,
                "labels": [controls.labels[entity.label]],
            },
            "score": score,
        }
        for entity, score in zip(kept, scores, strict=True)
    ]
    return {"result": regions, "score": min(scores, default=None), "model_version": version}


def _version(model: ServedModel) -> str:
    """Return the version of a model. Label Studio requests predictions again when the version has changed."""
    return f"{model.name} {model.digest[:12]}".rstrip()


ROUTES = (
    Route(
        "POST",
        "/setup",
        endpoint=label_studio_setup,
        summary="Label Studio: check that a project can be answered",
        tag="Label Studio",
        request=SetupRequest,
        parse=_parse_setup,
        answer=SetupAnswer,
        admission=True,
        examples={"a project": {"schema": EXAMPLE_CONFIGURATION}},
        plain_errors=True,
    ),
    Route(
        "POST",
        "/predict",
        endpoint=label_studio_predict,
        summary="Label Studio: predict the entities of tasks",
        tag="Label Studio",
        request=PredictRequest,
        parse=_parse_predict,
        answer=PredictAnswer,
        examples={"a task": {"tasks": [{"data": {"text": EXAMPLE_TEXT}}], "label_config": EXAMPLE_CONFIGURATION}},
        plain_errors=True,
        admission=True,
    ),
)

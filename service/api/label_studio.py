"""What Label Studio asks of an ML backend: `POST /setup` and `POST /predict`. Its `GET /health` is in `presidio.py`,
because Presidio asks it too.

The default model answers. Offsets count code points, as Label Studio stores them.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.service.api.body import Items, check_limits, described, parse, read
from nerve.service.api.labelling import Controls, controls_of
from nerve.service.api.schemas import EXAMPLE_TEXT
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError, PlainErrorRoute, plain_errors
from nerve.service.http.disconnect import cancelled_on_hangup
from nerve.service.state import Service

# Those of real projects have some thousands of characters.
MAX_CONFIGURATION_CHARACTERS = 100_000
EXAMPLE_CONFIGURATION = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="Company" predicted_values="ORG"/>'
    '</Labels><Text name="text" value="$text"/></View>'
)
CONFIG = ConfigDict(strict=True, extra="ignore", frozen=True)


class Task(BaseModel):
    """A task of a project; one of the fields of `data` is its text."""

    model_config = CONFIG

    data: dict[str, JsonValue]


class SetupRequest(BaseModel):
    """A project, which other fields of Label Studio's describe further, without effect."""

    model_config = CONFIG

    label_config: str = Field(
        alias="schema", max_length=MAX_CONFIGURATION_CHARACTERS, description="The labelling configuration, in XML."
    )


class PredictRequest(BaseModel):
    """Tasks of a project. Other fields of Label Studio's have no effect."""

    model_config = CONFIG

    tasks: Items[Task]
    label_config: str = Field(
        max_length=MAX_CONFIGURATION_CHARACTERS, description="The labelling configuration, in XML."
    )


class SetupAnswer(BaseModel):
    model_version: str = Field(description="The model's name and the beginning of its archive's SHA-256.")


class Prediction(BaseModel):
    """The entities of a task, as Label Studio's regions. `score` is that of the least certain, if there is any."""

    result: list[dict[str, JsonValue]]
    score: float | None
    model_version: str


class PredictAnswer(SetupAnswer):
    results: list[Prediction] = Field(description="One for each task.")


def label_studio_routes(service: Service) -> APIRouter:
    router = APIRouter(route_class=PlainErrorRoute, tags=["Label Studio"])

    @router.post(
        "/setup",
        summary="Label Studio: whether a project can be answered for",
        response_model=SetupAnswer,
        responses=plain_errors(400, 401, 413, 422, 500),
        openapi_extra=described(SetupRequest, {"a project": {"schema": EXAMPLE_CONFIGURATION}}),
    )
    async def setup(request: Request) -> Response:
        asked = parse(await read(request), SetupRequest)
        model = service.registry.default
        controls_of(asked.label_config, model.recognizer.labels)
        return Response(to_json({"model_version": _version(model)}), media_type="application/json")

    @router.post(
        "/predict",
        summary="Label Studio: entities of tasks",
        response_model=PredictAnswer,
        responses=plain_errors(400, 401, 413, 422, 500, 503, 504),
        openapi_extra=described(
            PredictRequest,
            {"a task": {"tasks": [{"data": {"text": EXAMPLE_TEXT}}], "label_config": EXAMPLE_CONFIGURATION}},
        ),
    )
    async def predict(request: Request) -> Response:
        asked = parse(await read(request), PredictRequest)
        model = service.registry.default
        controls = controls_of(asked.label_config, model.recognizer.labels)
        texts = [_text(task, number, controls.field) for number, task in enumerate(asked.tasks)]
        check_limits(texts, service.settings)
        async with cancelled_on_hangup(request.scope):
            found = await service.annotator.entities(model.recognizer, texts)
        version = _version(model)
        results = [_prediction(entities, controls, version) for entities in found]
        return Response(to_json({"results": results, "model_version": version}), media_type="application/json")

    return router


def _text(task: Task, number: int, field: str) -> str:
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
    """Label Studio asks again for a task whose predictions are of another version."""
    return f"{model.name} {model.digest[:12]}".rstrip()

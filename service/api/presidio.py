"""What clients of Presidio's analyzer speak: `POST /analyze`, `GET /supportedentities` and `GET /recognizers`. Its
other service, the anonymizer, is in `anonymizer.py`; a gateway that calls both may be given this address twice.

Fields that Presidio does not know are passed over here as they are there, because gateways hand on what their users
add. Those that would make it find more, and that are not served here, are refused: who sends them relies on them.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, RootModel
from pydantic_core import to_json

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.service.api.body import Items, Text, check_limits, declared_bytes, described, parse, read
from nerve.service.api.schemas import EXAMPLE_ENTITIES, EXAMPLE_TEXT
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError, PlainErrorRoute, plain_errors
from nerve.service.http.disconnect import cancelled_on_hangup
from nerve.service.state import Service

# Presidio's name for a label, as its own configuration of recognizers has it. A label that is not here, such as MISC,
# keeps its name.
NAMES = {
    "PER": "PERSON",
    "LOC": "LOCATION",
    "GPE": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
    "DATE": "DATE_TIME",
    "TIME": "DATE_TIME",
    "NORP": "NRP",
}


def _name(label: str) -> str:
    return NAMES.get(label, label)


def _nothing(recognizers: list[JsonValue]) -> list[JsonValue]:
    if recognizers:
        raise ValueError("recognizers of a request's own are not run here")
    return recognizers


class AnalyzeRequest(BaseModel):
    """A text or several, and which entities to find."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    text: Text | Items[Text] = Field(description="The text, or the texts; for a list, the answer is a list of lists.")
    language: str = Field(description="Such as `en`: the first model of this language answers.")
    entities: Items[str] | None = Field(
        None,
        description="The entity types to find; without any, all. At least one has to be supported; the others are "
        "passed over.",
    )
    score_threshold: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Leave out entities less probable than this."
    )
    allow_list: Items[Text] | None = Field(None, description="Texts of entities to leave out.")
    allow_list_match: Literal["exact"] | None = Field(
        None, description="`exact`. Expressions are refused: one can stop a service."
    )
    return_decision_process: bool | None = Field(None, description="Say of each entity which model found it.")
    ad_hoc_recognizers: Annotated[list[JsonValue], AfterValidator(_nothing)] | None = Field(
        None, description="Refused, unless empty."
    )
    context: JsonValue = Field(None, description="Without effect, as for all of Presidio's models of entities.")
    correlation_id: JsonValue = Field(None, description="Without effect.")
    regex_flags: JsonValue = Field(None, description="Without effect.")


class RecognizerResult(BaseModel):
    """An entity; offsets count code points."""

    entity_type: str
    start: int
    end: int
    score: float
    analysis_explanation: dict[str, Any] | None


def _result(entity: Entity, model_name: str | None) -> dict[str, Any]:
    score = round(entity.score, SCORE_DIGITS)
    explanation = {
        "recognizer": model_name,
        "original_score": score,
        "score": score,
        "textual_explanation": f"{entity.label} by model {model_name}",
        "pattern_name": None,
        "pattern": None,
        "validation_result": None,
        "score_context_improvement": 0,
        "supportive_context_word": "",
        "regex_flags": None,
    }
    return {
        "analysis_explanation": explanation if model_name is not None else None,
        "end": entity.end,
        "entity_type": _name(entity.label),
        "score": score,
        "start": entity.start,
    }


EXAMPLE_RESULTS: list[JsonValue] = [_result(entity, None) for entity in EXAMPLE_ENTITIES]


class AnalyzeAnswer(RootModel[list[RecognizerResult]]):
    """The entities of a text, in its order; for several texts a list of these."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_RESULTS]})


def presidio_routes(service: Service) -> APIRouter:
    router = APIRouter(route_class=PlainErrorRoute, tags=["Presidio"])

    @router.post(
        "/analyze",
        summary="Presidio's analyzer: find entities",
        response_model=AnalyzeAnswer | list[AnalyzeAnswer],
        responses=plain_errors(400, 401, 413, 422, 500, 503, 504),
        openapi_extra=described(
            AnalyzeRequest,
            {
                "a text": {"text": EXAMPLE_TEXT, "language": "en"},
                "people, surely": {
                    "text": [EXAMPLE_TEXT],
                    "language": "en",
                    "entities": ["PERSON"],
                    "score_threshold": 0.5,
                    "allow_list": ["Tim Cook"],
                },
            },
        ),
    )
    async def analyze(request: Request) -> Response:
        service.check_room(declared_bytes(request.scope["headers"]))
        asked = parse(await read(request), AnalyzeRequest)
        texts = _list(asked.text)
        check_limits(texts, service.settings)
        model = _models_of(service, asked.language)[0]
        wanted = _wanted_names(asked, model)
        allowed = frozenset(asked.allow_list or ())
        threshold = asked.score_threshold or 0.0
        async with cancelled_on_hangup(request.scope):
            found = await service.annotator.entities(model.recognizer, texts)
        explained_by = model.name if asked.return_decision_process else None
        answers = [
            [
                _result(entity, explained_by)
                for entity in entities
                if _name(entity.label) in wanted and entity.score >= threshold and entity.text not in allowed
            ]
            for entities in found
        ]
        return _json(answers[0] if isinstance(asked.text, str) else answers)

    @router.get(
        "/supportedentities",
        summary="The entity types that Presidio's analyzer finds here, of all languages or of one",
        response_model=list[str],
        responses=plain_errors(401, 422),
    )
    async def supported_entities(language: str | None = None) -> Response:
        return _json(sorted({name for model in _models_of(service, language) for name in _names(model)}))

    @router.get(
        "/recognizers",
        summary="The models, in the place of Presidio's recognizers, of all languages or of one",
        response_model=list[str],
        responses=plain_errors(401, 422),
    )
    async def recognizers(language: str | None = None) -> Response:
        return _json([model.name for model in _models_of(service, language)])

    @router.get(
        "/health",
        summary="Presidio's question whether the service answers",
        response_model=dict[str, str],
        responses=plain_errors(503),
    )
    async def health() -> Response:
        service.check_ready()
        return _json({"status": "UP"})

    return router


def _list(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text


def _json(content: Any) -> Response:
    return Response(to_json(content), media_type="application/json")


def _names(model: ServedModel) -> list[str]:
    return sorted({_name(label) for label in model.recognizer.labels})


def _models_of(service: Service, language: str | None) -> list[ServedModel]:
    """The models of a language, at least one, or all. Raises InvalidRequestError."""
    models = service.registry.models
    found = [model for model in models if language in (None, model.card["language"])]
    if not found:
        languages = dict.fromkeys(model.card["language"] for model in models)
        message = f"no model is for this language; the languages are {', '.join(languages)}"
        raise InvalidRequestError(message, reason="unknown_language")
    return found


def _wanted_names(asked: AnalyzeRequest, model: ServedModel) -> frozenset[str]:
    known = _names(model)
    wanted = frozenset(asked.entities or known) & frozenset(known)
    if not wanted:
        message = f"model {model.name} finds none of these entities; it finds {', '.join(known)}"
        raise InvalidRequestError(message, reason="unknown_label")
    return wanted

"""The contract of Presidio's analyzer: `POST /analyze`, `GET /supportedentities` and `GET /recognizers`.

Presidio's other service, the anonymizer, is in `anonymizer.py`; a gateway that calls both can be configured with the
address of this service for both.

Fields that Presidio does not know are ignored here as they are there, because gateways pass on what their users add.
Fields that would make Presidio find more, and that are not supported here, are refused: clients that send them rely
on them.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, RootModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.patterns import NAMES as PATTERN_NAMES
from nerve.patterns.recognition import Patterns
from nerve.service.annotate.annotator import Task
from nerve.service.annotate.document import Annotation
from nerve.service.api.body import MOST_FIELDS, Items, Text, Unused, check_limits
from nerve.service.api.examples import EXAMPLE_ENTITIES, EXAMPLE_TEXT
from nerve.service.api.route import Route, bytes_response, json_response
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.state import Service

# Presidio's names of labels, from its own configuration of recognizers. A label that is not listed, such as MISC,
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
    "EMAIL": "EMAIL_ADDRESS",
    "IBAN": "IBAN_CODE",
    "CARD": "CREDIT_CARD",
    "IP": "IP_ADDRESS",
    "PHONE": "PHONE_NUMBER",
}
# What finds the patterns, in the list of recognizers and where an entity is explained.
PATTERNS = "patterns"


def _name(label: str) -> str:
    return NAMES.get(label, label)


def _empty(recognizers: list[JsonValue]) -> list[JsonValue]:
    if recognizers:
        raise ValueError("recognizers in a request are not supported")
    return recognizers


class AnalyzeRequest(BaseModel):
    """A text or several, and which entities to find in them."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    text: Text | Items[Text] = Field(description="The text, or the texts; for a list, the answer is a list of lists.")
    language: str = Field(description="The language, such as `en`; the first model of this language answers.")
    entities: Items[str] | None = Field(
        None,
        max_length=MOST_FIELDS,
        description="The entity types to find; the default is all. At least one has to be supported; the others "
        "are ignored.",
    )
    score_threshold: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Leave out entities with a lower score."
    )
    allow_list: Items[Text] | None = Field(None, description="The texts of entities to leave out.")
    allow_list_match: Literal["exact"] | None = Field(
        None, description="Only `exact`: a regular expression could take the service hours to match."
    )
    return_decision_process: bool | None = Field(
        None, description="Whether to say which model found each entity, or that it is a pattern."
    )
    ad_hoc_recognizers: Annotated[list[JsonValue], AfterValidator(_empty)] | None = Field(
        None, description="Not supported: it must be empty.", json_schema_extra={"maxItems": 0}
    )
    context: Unused = Field(None, description="No effect, as with all of Presidio's recognizers that are models.")
    correlation_id: Unused = Field(None, description="No effect.")
    regex_flags: Unused = Field(None, description="No effect.")


class RecognizerResult(BaseModel):
    """An entity; offsets count code points."""

    entity_type: str
    start: int
    end: int
    score: float
    analysis_explanation: dict[str, Any] | None


def _result(entity: Entity, explained_by: str | None) -> dict[str, Any]:
    score = round(entity.score, SCORE_DIGITS)
    explanation = {
        "recognizer": explained_by,
        "original_score": score,
        "score": score,
        "textual_explanation": f"{entity.label} by {explained_by}"
        if explained_by == PATTERNS
        else f"{entity.label} by model {explained_by}",
        "pattern_name": None,
        "pattern": None,
        "validation_result": None,
        "score_context_improvement": 0,
        "supportive_context_word": "",
        "regex_flags": None,
    }
    return {
        "analysis_explanation": explanation if explained_by is not None else None,
        "end": entity.end,
        "entity_type": _name(entity.label),
        "score": score,
        "start": entity.start,
    }


EXAMPLE_RESULTS: list[JsonValue] = [_result(entity, None) for entity in EXAMPLE_ENTITIES]


class AnalyzeAnswer(RootModel[list[RecognizerResult | list[RecognizerResult]]]):
    """The entities of a text, in its order; for several texts a list of these."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_RESULTS]})


async def analyze(service: Service, _: Request, parsed: AnalyzeRequest) -> Response:
    """Answer the entities of a text or of several."""
    texts = [parsed.text] if isinstance(parsed.text, str) else parsed.text
    check_limits(texts, service.settings)
    model = _models_of(service, parsed.language)[0]
    names = _chosen_names(parsed, model)
    with service.annotator.work(sum(map(len, texts))) as work:
        tasks = [Task(text, [model]) for text in texts]
        patterns = Patterns(_least_scores(parsed, names), service.settings.regions)
        render = partial(_rendered, await work.annotate(tasks), patterns, parsed, names, model)
        return bytes_response(await work.compute(render))


def _least_scores(parsed: AnalyzeRequest, names: frozenset[str]) -> dict[str, float]:
    """Return the patterns that are asked for, with the score that they need."""
    return {pattern: parsed.score_threshold or 0.0 for pattern in PATTERN_NAMES if _name(pattern) in names}


def _rendered(
    annotations: Sequence[Annotation],
    patterns: Patterns,
    parsed: AnalyzeRequest,
    names: frozenset[str],
    model: ServedModel,
) -> bytes:
    allowed = frozenset(parsed.allow_list or ())
    threshold = parsed.score_threshold or 0.0

    def explained_by(entity: Entity) -> str | None:
        if not parsed.return_decision_process:
            return None
        return PATTERNS if entity.label in PATTERN_NAMES else model.name

    answers = [
        [
            _result(entity, explained_by(entity))
            for entity in patterns.beside(annotation.document.text, annotation.entities)
            if _name(entity.label) in names and entity.score >= threshold and entity.text not in allowed
        ]
        for annotation in annotations
    ]
    return to_json(answers[0] if isinstance(parsed.text, str) else answers)


async def supported_entities(service: Service, request: Request) -> Response:
    """Answer the entity types of the models and the patterns."""
    models = _models_of(service, request.query_params.get("language"))
    return json_response(sorted({name for model in models for name in _names(model)}))


async def recognizers(service: Service, request: Request) -> Response:
    """Answer the names of the models, and one for the patterns, which are of no language."""
    models = _models_of(service, request.query_params.get("language"))
    return json_response([*(model.name for model in models), PATTERNS])


async def health(service: Service, _: Request) -> Response:
    """Answer that the service is ready."""
    service.check_ready()
    return json_response({"status": "UP"})


def _names(model: ServedModel) -> list[str]:
    return sorted({_name(label) for label in (*model.recognizer.labels, *PATTERN_NAMES)})


def _models_of(service: Service, language: str | None) -> list[ServedModel]:
    """Return the models of a language, or all models; raise InvalidRequestError if there is none."""
    models = service.registry.models
    matching = [model for model in models if language in (None, *_tags(model))]
    if not matching:
        languages = dict.fromkeys(tag for model in models for tag in _tags(model))
        message = f"there is no model for this language; the languages are {', '.join(languages)}"
        raise InvalidRequestError(message, reason="unknown_language")
    return matching


def _tags(model: ServedModel) -> list[str]:
    """Return the tags of the languages of a model."""
    language: str = model.card["language"]
    return [tag.strip() for tag in language.split(",")]


def _chosen_names(parsed: AnalyzeRequest, model: ServedModel) -> frozenset[str]:
    known = _names(model)
    chosen = frozenset(parsed.entities or known) & frozenset(known)
    if not chosen:
        message = f"model {model.name} finds none of these entities; it finds {', '.join(known)}"
        raise InvalidRequestError(message, reason="unknown_label")
    return chosen


_LANGUAGE = {"language": "A language, such as `en`; the default is all languages."}

ROUTES = (
    Route(
        "POST",
        "/analyze",
        endpoint=analyze,
        summary="Presidio's analyzer: find entities",
        tag="Presidio",
        request=AnalyzeRequest,
        answer=AnalyzeAnswer,
        examples={
            "a text": {"text": EXAMPLE_TEXT, "language": "en"},
            "people with a high score": {
                "text": [EXAMPLE_TEXT],
                "language": "en",
                "entities": ["PERSON"],
                "score_threshold": 0.5,
                "allow_list": ["Tim Cook"],
            },
        },
        plain_errors=True,
        admission=True,
    ),
    Route(
        "GET",
        "/supportedentities",
        endpoint=supported_entities,
        summary="Presidio's analyzer: list the entity types, of all languages or of one",
        tag="Presidio",
        answer=list[str],
        query=_LANGUAGE,
        plain_errors=True,
        statuses=(422,),
    ),
    Route(
        "GET",
        "/recognizers",
        endpoint=recognizers,
        summary="Presidio's analyzer: list the models and the patterns, of all languages or of one",
        tag="Presidio",
        answer=list[str],
        query=_LANGUAGE,
        plain_errors=True,
        statuses=(422,),
    ),
    Route(
        "GET",
        "/health",
        endpoint=health,
        summary="Presidio and Label Studio: check that the service answers",
        tag="Presidio",
        answer=dict[str, str],
        needs_key=False,
        quiet=True,
        plain_errors=True,
        statuses=(503,),
    ),
)

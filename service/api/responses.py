"""The answers of the native contract, and the errors of all contracts, as OpenAPI describes them.

The routes build plain dictionaries of these shapes, because to validate every entity again would cost more than to
find it.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.json_schema import SkipJsonSchema

from nerve.service.api.examples import EXAMPLE_ENTS, EXAMPLE_TEXT


class EntityAnswer(BaseModel):
    """An entity.

    `start` and `end` are half-open. `score` is the probability of exactly this span and label, and 1 for a phrase of
    the gazetteer; that of a pattern is fixed. `start_token` and `end_token`, half-open too, are present if the
    request sends or includes tokens.
    """

    start: int
    end: int
    label: str
    text: str
    score: float
    start_token: int | SkipJsonSchema[None] = None
    end_token: int | SkipJsonSchema[None] = None


class TokenAnswer(BaseModel):
    """A token, its index in the text, and its tag in the scheme BIO, by the entities of the answer."""

    id: int
    start: int
    end: int
    text: str
    tag: str


class LanguageAnswer(BaseModel):
    """The language of a text, or of a sentence. Where it is not supported, the model finds no entities."""

    code: str | None = Field(description="By BCP 47, such as `en`; null if the words do not tell.")
    script: str | None = Field(description="The script of most letters, such as `Hangul`; null without letters.")
    supported: bool = Field(description="Whether the model reads it.")


class SentenceAnswer(BaseModel):
    """A sentence, from its first token to its last."""

    start: int
    end: int
    language: LanguageAnswer | SkipJsonSchema[None] = Field(None, description="Present if `include` has `language`.")


class OneAnswer(BaseModel):
    """The answer to one text, which displaCy draws with `manual=True`.

    `text` is the text as it was sent, or the tokens with a space between them.
    """

    text: str
    ents: list[EntityAnswer] = Field(description="The entities, in the order of the text and without overlap.")
    tokens: list[TokenAnswer] | SkipJsonSchema[None] = Field(None, description="Present if `include` has `tokens`.")
    sents: list[SentenceAnswer] | SkipJsonSchema[None] = Field(None, description="Present if `include` has `sents`.")
    language: LanguageAnswer | SkipJsonSchema[None] = Field(
        None, description="The language of most of the text. Present if `include` has `language`."
    )
    model: str = Field(description="The model that read the text; with `auto`, the one that read most of it.")


_EXAMPLE: JsonValue = {"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"}


class EntitiesAnswer(BaseModel):
    """The answer to `text` or the tokens of one sentence, as an item of `results`; or to several of these: `results`.

    It is one object and no union, because generated clients cannot tell of which of two objects an answer is.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["results"]},
            "else": {"required": ["text", "ents"]},
            "examples": [_EXAMPLE, {"results": [_EXAMPLE], "model": "en"}],
        }
    )

    text: str | SkipJsonSchema[None] = None
    ents: list[EntityAnswer] | SkipJsonSchema[None] = Field(
        None, description="The entities, in the order of the text and without overlap."
    )
    tokens: list[TokenAnswer] | SkipJsonSchema[None] = Field(None, description="Present if `include` has `tokens`.")
    sents: list[SentenceAnswer] | SkipJsonSchema[None] = Field(None, description="Present if `include` has `sents`.")
    language: LanguageAnswer | SkipJsonSchema[None] = Field(
        None, description="The language of most of the text. Present if `include` has `language`."
    )
    results: list[OneAnswer] | SkipJsonSchema[None] = Field(
        None, description="For each of several texts, in their order, the answer that it would get alone."
    )
    model: str = Field(
        description="The model that read the text, with `auto` most of it; of several texts, the one that the "
        "request named."
    )


class ModelAnswer(BaseModel):
    """A model that requests can name, with the card in its archive."""

    name: str
    default: bool = Field(description="Whether the model answers requests that name no model.")
    labels: list[str]
    language: str = Field(description="The languages of its texts by BCP 47, such as `en` or `da,nb,sv`.")
    licence: str = Field(description="The licence of the weights.")
    description: str
    datasets: list[dict[str, Any]] = Field(description="The data that the model was trained on.")
    scores: dict[str, Any] = Field(description="The measured F1 by dataset and split.")


class ModelsAnswer(BaseModel):
    """The models that are served; the first is the default."""

    models: list[ModelAnswer]


class ReloadAnswer(BaseModel):
    """The model that is served after a reload."""

    model: str
    reloaded: bool = Field(description="Whether the file had changed since it was last read.")
    sha256: str = Field(description="The SHA-256 of the archive that is served now.")


class HealthAnswer(BaseModel):
    """That the process runs, or that it answers."""

    status: Literal["live", "ready"]


class ErrorDetail(BaseModel):
    """A place in the request, and what is wrong there."""

    loc: list[str | int]
    msg: str


class ErrorContent(BaseModel):
    """A code for programs, a message for people, and the places if there are several."""

    code: str
    message: str
    details: list[ErrorDetail] = []


class ErrorAnswer(BaseModel):
    """An error of the native contract."""

    error: ErrorContent


class PlainErrorAnswer(BaseModel):
    """An error of the contracts that are not our own."""

    error: str

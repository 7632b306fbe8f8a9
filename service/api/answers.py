"""From a request of the native contract to its answer: the models that read its texts, the entities that it wants,
and the JSON. Called by the native routes. Answers are plain dictionaries in the shape of the models in `schemas`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from nerve.model.annotation import Entity, Span, Token
from nerve.model.tags import tags_from
from nerve.service.annotate.annotator import Task
from nerve.service.annotate.document import Annotation, characters
from nerve.service.annotate.gazetteer import Gazetteer
from nerve.service.annotate.offsets import in_unit
from nerve.service.api.schemas import AnnotationRequest, EntitiesRequest
from nerve.service.engine.registry import AUTO, ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.state import Service

# Of entities or tokens, a millisecond of JSON.
SLICE = 1_000


async def entities_answer(service: Service, asked: EntitiesRequest) -> bytes:
    """The JSON that answers `asked`. Raises what the two functions below do."""
    return await answer(service, asked, wanted_labels(service, asked), lambda found: _result(found, asked))


def wanted_labels(service: Service, asked: AnnotationRequest) -> Mapping[str, str]:
    """The labels to answer, each with its name in the answer.

    Raises NotFoundError for an unknown model, InvalidRequestError for a label that neither it nor the gazetteer has.
    """
    models = service.registry.models if asked.model == AUTO else [service.registry.named(asked.model)]
    labels = {label for model in models for label in model.recognizer.labels}
    own = asked.gazetteer.always.keys() if asked.gazetteer else frozenset()
    if asked.labels is None:
        return {label: label for label in labels | own}
    if asked.labels.keys() - labels - own:
        which = f"model {models[0].name} does" if len(models) == 1 else "the models do"
        raise InvalidRequestError(
            f"labels has a label that {which} not know; the known ones are {', '.join(sorted(labels))}",
            reason="unknown_label",
        )
    return asked.labels


async def answer(
    service: Service,
    asked: AnnotationRequest,
    labels: Mapping[str, str],
    result_of: Callable[[Annotation], dict[str, Any]],
) -> bytes:
    """The JSON that answers `asked`: for each text the model that read it, and what `result_of` makes of it and its
    entities, once the gazetteer is heard and only those that `labels` names are left.

    Raises what `Annotator.annotate` does.
    """
    models = await _models(service, asked)
    tasks = [Task(source, model.recognizer) for source, model in zip(asked.sources, models, strict=True)]

    def finish(documents: list[Annotation]) -> bytes:
        gazetteer = asked.gazetteer and Gazetteer(
            asked.gazetteer.always, asked.gazetteer.never, asked.gazetteer.case_sensitive
        )
        results = []
        for found, model in zip(documents, models, strict=True):
            entities = gazetteer.entities(found) if gazetteer else found.entities
            wanted = [
                entity if (name := labels[entity.label]) == entity.label else replace(entity, label=name)
                for entity in entities
                if entity.label in labels and entity.score >= asked.min_score
            ]
            results.append({**result_of(Annotation(found.document, wanted)), "model": model.name})
        several = {"results": results, "model": asked.model or service.registry.default.name}
        return _json(results[0] if asked.single else several)

    phrases = asked.gazetteer.phrases if asked.gazetteer else []
    return await service.annotator.annotate(tasks, finish, sum(map(len, phrases)))


def _json(answer: Mapping[str, Any]) -> bytes:
    """As `to_json`, which lets no other thread run until it is done, 20 ms for the entities of a long text: so long
    lists are written in slices."""
    if not any(isinstance(value, list) and len(value) > SLICE for value in answer.values()):
        return to_json(answer)
    fields = []
    for name, value in answer.items():
        if isinstance(value, list) and value:
            slices = [to_json(value[start : start + SLICE])[1:-1] for start in range(0, len(value), SLICE)]
            fields.append(to_json(name) + b":[" + b",".join(slices) + b"]")
        else:
            fields.append(to_json(name) + b":" + to_json(value))
    return b"{" + b",".join(fields) + b"}"


async def _models(service: Service, asked: AnnotationRequest) -> list[ServedModel]:
    """The model for each text."""
    if asked.model != AUTO:
        return [service.registry.named(asked.model)] * len(asked.sources)
    return await service.annotator.computed(
        sum(map(characters, asked.sources)),
        lambda: [service.registry.by_script("".join(source)) for source in asked.sources],
    )


def _result(found: Annotation, asked: EntitiesRequest) -> dict[str, Any]:
    """The answer to one text, without the model's name."""
    text, sentences = found.document
    with_spans = asked.tokens is not None or "tokens" in asked.include
    tokens = found.document.tokens if with_spans else []
    shown: list[Entity | Token] = [*found.entities]
    if "tokens" in asked.include:
        shown += tokens
    if "sents" in asked.include:
        shown += [end for sentence in sentences for end in (sentence[0], sentence[-1])]
    places = in_unit(text, (place for one in shown for place in (one.start, one.end)), asked.offset_unit)
    result: dict[str, Any] = {
        "text": text,
        "ents": [
            {**entity.to_json(), "start": places[entity.start], "end": places[entity.end]}
            for entity in found.entities
        ],
    }
    if with_spans:
        spans = _spans(found.entities, tokens)
        for ent, span in zip(result["ents"], spans, strict=True):
            ent |= {"start_token": span.start, "end_token": span.end}
    if "tokens" in asked.include:
        result["tokens"] = [
            {"id": n, "start": places[token.start], "end": places[token.end], "text": token.text, "tag": tag}
            for n, (token, tag) in enumerate(zip(tokens, tags_from(spans, len(tokens)), strict=True))
        ]
    if "sents" in asked.include:
        result["sents"] = [
            {"start": places[sentence[0].start], "end": places[sentence[-1].end]} for sentence in sentences
        ]
    return result


def _spans(entities: Iterable[Entity], tokens: Sequence[Token]) -> list[Span]:
    """The entities in tokens: each starts and ends with one."""
    starts = {token.start: n for n, token in enumerate(tokens)}
    ends = {token.end: n for n, token in enumerate(tokens, start=1)}
    return [Span(starts[entity.start], ends[entity.end], entity.label) for entity in entities]

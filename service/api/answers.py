"""From a request of the native contract to its answer: its models, the annotations of its texts, and their JSON.

Answers are plain dictionaries in the shape of the models in `responses.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from pydantic_core import to_json

from nerve.model import min_score
from nerve.model.annotation import Entity, Token
from nerve.model.bundled import AUTO
from nerve.model.languages import languages_of
from nerve.model.tags import spans_over, tags_from, without_overlap
from nerve.patterns import NAMES
from nerve.patterns.recognition import Patterns
from nerve.service.annotate.annotator import Task, Work
from nerve.service.annotate.document import Annotation
from nerve.service.annotate.gazetteer import Gazetteer
from nerve.service.annotate.offsets import in_unit
from nerve.service.api.requests import AnnotationRequest, EntitiesRequest
from nerve.service.engine.registry import Registry, ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.state import Service

# So many entities or tokens are written in a millisecond.
SLICE = 1_000

Render = Callable[[Annotation, Sequence[ServedModel]], dict[str, Any]]


_NO_PATTERNS = Patterns({})


class Plan(NamedTuple):
    """How a request will be answered: by which models, and with which labels.

    Attributes:
        models: The models that may read its texts, the default one first.
        name: The name of the model in the answer to several texts.
        labels: The labels to answer, each with its name in the answer.
        least: The score that an entity of each of these labels needs.
        patterns: The patterns that are found beside the names.
    """

    models: Registry
    name: str
    labels: Mapping[str, str]
    least: Mapping[str, float]
    patterns: Patterns


def plan(service: Service, request: AnnotationRequest) -> Plan:
    """Find the models and the labels for a request.

    Raises:
        NotFoundError: There is no such model.
        InvalidRequestError: Neither the models nor the gazetteer nor the patterns have one of the labels.
    """
    registry = service.registry
    models = registry.models if request.model == AUTO else [registry.named(request.model)]
    known = {label for model in models for label in model.recognizer.labels}
    own = request.gazetteer.always.keys() if request.gazetteer else frozenset()
    patterns = request.chosen_patterns(service.settings)
    everything = known.union(own, patterns)
    if request.labels is not None:
        _check_labels("labels", request.labels.keys() - everything, models, known.union(patterns))
    if isinstance(request.min_score, Mapping):
        unknown = request.min_score.keys() - everything.union(NAMES)
        _check_labels("min_score", unknown, models, known.union(patterns))
    labels = dict(zip(everything, everything, strict=True)) if request.labels is None else request.labels
    least = min_score.by_label(request.min_score, labels, request.default_min_score)
    return Plan(
        Registry(models),
        request.model or registry.default.name,
        labels,
        least,
        Patterns({name: least[name] for name in patterns if name in labels}, service.settings.regions)
        if patterns
        else _NO_PATTERNS,
    )


def _check_labels(field: str, unknown: Collection[str], models: Sequence[ServedModel], known: Iterable[str]) -> None:
    if unknown:
        who = f"model {models[0].name} does" if len(models) == 1 else "the models do"
        raise InvalidRequestError(
            f"{field} has a label that {who} not know; the known labels are {', '.join(sorted(known))}",
            reason="unknown_label",
        )


async def entities_answer(service: Service, request: EntitiesRequest) -> bytes:
    """Return the JSON that answers a request for entities; raise what `plan` and `answer` do."""
    return await answer(service, request, plan(service, request), partial(_result, request=request))


async def answer(service: Service, request: AnnotationRequest, how: Plan, render: Render) -> bytes:
    """Return the JSON that answers a request.

    Args:
        service: The running service.
        request: The request.
        how: Its models and labels.
        render: Makes the answer to one text, without the name of the model, of its annotation and its models.

    Raises:
        ServiceError: What `Work.annotate` and `render` raise.
    """
    with service.annotator.work(request.size) as work:
        models = await _models_of_each(work, request, how)
        tasks = [Task(*both, request.context) for both in zip(request.sources, models, strict=True)]
        # The annotations live no longer than they are needed: there may be a million tokens.
        return await work.compute(partial(_rendered, await work.annotate(tasks), models, request, how, render))


async def _models_of_each(work: Work, request: AnnotationRequest, how: Plan) -> list[list[ServedModel]]:
    """Return the models for each text, the one that suits it first."""
    if request.model != AUTO:
        return [[how.models.default]] * len(request.sources)

    def models() -> list[list[ServedModel]]:
        texts = (source if isinstance(source, str) else " ".join(source) for source in request.sources)
        return [how.models.for_text(text) for text in texts]

    return await work.compute(models)


def _rendered(
    annotations: Sequence[Annotation],
    models: Sequence[Sequence[ServedModel]],
    request: AnnotationRequest,
    how: Plan,
    render: Render,
) -> bytes:
    phrases = request.gazetteer
    gazetteer = phrases and Gazetteer(phrases.always, phrases.never, phrases.case_sensitive)
    results = []
    for annotation, of_text in zip(annotations, models, strict=True):
        document = annotation.document
        entities = how.patterns.beside(document.text, annotation.entities)
        if gazetteer:
            entities = gazetteer.entities(Annotation(document, entities))
        chosen = Annotation(document, _chosen(entities, how.labels, how.least))
        results.append({**render(chosen, of_text), "model": of_text[0].name})
    return json_bytes(results[0] if request.single else {"results": results, "model": how.name})


def _chosen(entities: Iterable[Entity], labels: Mapping[str, str], least: Mapping[str, float]) -> list[Entity]:
    """Return the entities to answer, under the names of their labels in the answer."""
    return [
        entity if (name := labels[entity.label]) == entity.label else replace(entity, label=name)
        for entity in entities
        if entity.label in labels and entity.score >= least[entity.label]
    ]


def json_bytes(answer: Mapping[str, Any]) -> bytes:
    """Return the JSON of an answer, as `to_json` does.

    `to_json` lets no other thread run until it is done, 20 ms for the entities of a long text, so this writes long
    lists in slices.
    """
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


def _result(annotation: Annotation, models: Sequence[ServedModel], request: EntitiesRequest) -> dict[str, Any]:
    """Return the answer to one text, without the name of the model."""
    text, sentences = annotation.document
    with_spans = request.tokens is not None or "tokens" in request.include
    tokens = annotation.document.tokens if with_spans else []
    shown: list[Entity | Token] = [*annotation.entities]
    if "tokens" in request.include:
        shown += tokens
    if "sents" in request.include:
        shown += [token for sentence in sentences for token in (sentence[0], sentence[-1])]
    places = in_unit(text, (place for part in shown for place in (part.start, part.end)), request.offset_unit)
    result: dict[str, Any] = {
        "text": text,
        "ents": [
            {**entity.to_json(), "start": places[entity.start], "end": places[entity.end]}
            for entity in annotation.entities
        ],
    }
    if with_spans:
        spans = spans_over(annotation.entities, tokens)
        for ent, span in zip(result["ents"], spans, strict=True):
            ent |= {"start_token": span.start, "end_token": span.end}
    if "tokens" in request.include:
        tags = tags_from(without_overlap(spans), len(tokens))
        result["tokens"] = [
            {"id": n, "start": places[token.start], "end": places[token.end], "text": token.text, "tag": tag}
            for n, (token, tag) in enumerate(zip(tokens, tags, strict=True))
        ]
    if "sents" in request.include:
        result["sents"] = [
            {"start": places[sentence[0].start], "end": places[sentence[-1].end]} for sentence in sentences
        ]
    if "language" in request.include:
        result["language"] = models[0].languages.of_text(sentences).to_json()
        if "sents" in request.include:
            of_sentences = languages_of([model.languages for model in models], sentences)
            for sent, language in zip(result["sents"], of_sentences, strict=True):
                sent["language"] = language.to_json()
    return result

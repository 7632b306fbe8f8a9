"""A project of Label Studio as far as predictions need it, read out of its labelling configuration."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from nerve.service.errors import InvalidRequestError


class Controls(NamedTuple):
    """The names of a project's labels control and of its text, the field of a task that holds the text, and the
    project's labels by those of the model."""

    from_name: str
    to_name: str
    field: str
    labels: Mapping[str, str]


def controls_of(configuration: str, known: Iterable[str]) -> Controls:
    """The first `Labels` for a `Text` in the XML of a labelling configuration, with its labels that are `known`.

    A label is known by its `value` or by one of its `predicted_values`; where it has an `alias`, that is what Label
    Studio stores. Raises InvalidRequestError when there is no such control, or none of its labels is known.
    """
    try:
        root = ElementTree.fromstring(configuration)
    except ElementTree.ParseError:
        raise InvalidRequestError("the labelling configuration is not XML") from None
    fields = {text.get("name"): text.get("value", "") for text in root.iter("Text")}
    for control in root.iter("Labels"):
        field = fields.get(control.get("toName"), "")
        if field.startswith("$"):
            break
    else:
        raise InvalidRequestError(
            "the labelling configuration has no Labels for a Text whose value is a task's field"
        )
    stored = {}
    for label in control.iter("Label"):
        value = label.get("value", "")
        for name in (*label.get("predicted_values", "").split(","), value):
            stored[name.strip()] = label.get("alias") or value
    labels = {name: stored[name] for name in known if name in stored}
    if not labels:
        message = f"the project has none of the model's labels, which are {', '.join(known)}"
        raise InvalidRequestError(message, reason="unknown_label")
    return Controls(control.get("name", ""), control.get("toName", ""), field.removeprefix("$"), labels)

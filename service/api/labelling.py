"""The labelling configuration of a Label Studio project, as far as predictions need it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from nerve.service.errors import InvalidRequestError


class Controls(NamedTuple):
    """The part of a configuration that predictions need.

    Attributes:
        from_name: The name of the `Labels` control.
        to_name: The name of its `Text`.
        field: The field of a task that holds the text.
        labels: The labels of the project, by the labels of the model.
    """

    from_name: str
    to_name: str
    field: str
    labels: Mapping[str, str]


def controls_of(configuration: str, known: Iterable[str]) -> Controls:
    """Return the first `Labels` for a `Text` in a labelling configuration, with its labels that are among `known`.

    A label matches by its `value` or by one of its `predicted_values`. If it has an `alias`, Label Studio stores
    that.

    Raises:
        InvalidRequestError: There is no such control, or none of its labels is known.
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

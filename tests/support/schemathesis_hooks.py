"""What schemathesis has to know of this service beyond its OpenAPI document; it loads this module by name.

schemathesis sends requests that the document allows and expects them to be answered. Some facts a schema cannot say,
because they depend on the models that are served, or on two fields at once. A refusal of a request that the document
allows has to name one of these.
"""

import re
from typing import Any

import schemathesis

BEYOND_A_SCHEMA = re.compile(
    "|".join(
        (
            # What the models know.
            "labels has a label that",
            "operators has a label that is not among",
            "min_score has a label that",
            "there is no model for this language",
            "finds none of these entities",
            # What is in the text or the XML of a field.
            "a text must not contain lone surrogates",
            "the labelling configuration (is not XML|has no Labels for a Text)",
            "the project has none of the model's labels",
            r"tasks\.\d+\.data has no text in the field",
            r"the salt has \d+ bytes",
            # Phrases may be the same without case and white space; Python's white space has more characters than
            # that of regular expressions.
            "a phrase of the gazetteer is empty",
            "a phrase is in the gazetteer twice",
            "a token must have a character other than white space",
            # Two fields that have to agree.
            "a result goes from",
            r"the gazetteer has [\d,]+ phrases; the limit is",
            r"there are [\d,]+ texts and results for",
            "text must have as many elements as its shape says",
            r"the request has [\d,]+ texts; the limit is",
            "the elements of text must be in data, or in binary after the JSON",
            "an element of text is not a string",
            r"[\d,]+ bytes follow the JSON",
            "entities supports neither classification nor shared memory",
        )
    )
)
REFUSED = (400, 413, 422)


@schemathesis.check
def refusal_names_what_a_schema_cannot_say(_: Any, response: Any, case: Any) -> None:
    """A request that the document allows is refused only for a fact that no schema can say."""
    allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if allowed and response.status_code in REFUSED and not BEYOND_A_SCHEMA.search(response.text):
        raise AssertionError(f"the document allows this request, and it is refused: {response.text[:500]}")


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes | None:
    """Send a string as it is; schemathesis has no other value for lines."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else None

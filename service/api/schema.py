"""JSON Schema in the words that generators of clients understand.

Their code knows a value that has one type, or one of several named objects. What a schema says beyond that is for
validators, and stands under `if`, `then` and `else`, which generators pass over:

* A union with a list or a map: openapi-generator writes Java for it that does not compile. Of such a field it makes
  an object of any type.
* That fields depend on each other: openapi-python-client takes `oneOf` beside `properties` for the whole of a schema.

`null` is a second `type`. Defaults are left out: clients would send those of the day that they were generated on, and
openapi-typescript takes a field with a default for one that is required. Fields have no title, because generators
name classes by titles, and those of the components are unique.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticUseDefault, core_schema

ARRAY = {"type": "array"}
STRING = {"type": "string"}
NULL = {"type": "null"}


class SchemaGenerator(GenerateJsonSchema):
    """Generates the schemas of the OpenAPI document."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Return that no field has a title."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return the schema of a value that may be null."""
        return nullable(self.generate_inner(schema["schema"]))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of a value without its default, which the description says to people."""
        described = super().default_schema(schema)
        described.pop("default", None)
        return described

    def get_union_of_schemas(self, schemas: list[JsonSchemaValue]) -> JsonSchemaValue:
        """Return the schema of a value of any of several types."""
        lists = [choice for choice in schemas if choice.get("type") == "array"]
        others = [choice for choice in schemas if choice.get("type") != "array"]
        if not lists or not others:
            return super().get_union_of_schemas(schemas)
        return either(super().get_union_of_schemas(lists), super().get_union_of_schemas(others))


def either(first: JsonSchemaValue, other: JsonSchemaValue) -> JsonSchemaValue:
    """Return the schema of a value that has the schema `first` if it has its type, or else the schema `other`."""
    return {"if": {"type": first["type"]}, "then": first, "else": other}


def list_of_strings_or_of(items: JsonSchemaValue, other: JsonSchemaValue) -> JsonSchemaValue:
    """Return the schema of a list that has the schema `items` if its items are strings, or else `other`."""
    return {"type": "array", "items": {}, "if": {"items": STRING}, "then": items, "else": other}


def exactly_one(**types: str) -> JsonSchemaValue:
    """Return the schema of an object that has exactly one of these fields, each of a JSON type; null is no value."""
    (name, kind), *others = types.items()
    given = {"required": [name], "properties": {name: {"type": kind}}}
    if not others:
        return given
    rest = dict(others)
    return {"if": given, "then": {"properties": dict.fromkeys(rest, NULL)}, "else": exactly_one(**rest)}


def one_case(cases: Iterable[tuple[JsonSchemaValue, JsonSchemaValue]]) -> JsonSchemaValue:
    """Return the schema of a value that, where it has the first schema of a pair, has the second one as well.

    Args:
        cases: The pairs; of those whose first schema a value has, the first one counts.
    """
    described: JsonSchemaValue = {}
    for condition, consequence in reversed(list(cases)):
        described = {"if": condition, "then": consequence, **({"else": described} if described else {})}
    return described


def nullable(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return the schema of a value that has `schema`, or is null."""
    if "else" in schema and "type" not in schema:
        return {**schema, "else": nullable(schema["else"])}
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
        del schema["const"]
    if "type" not in schema:
        choices = schema.get("anyOf", [schema] if schema else [])
        return {"anyOf": [*choices, NULL]} if choices else schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    described = {**schema, "type": [*types, "null"]}
    if "enum" in schema:
        described["enum"] = [*schema["enum"], None]
    return described


class NullIsDefault:
    """An annotation of a field with a default: null stands for the default, as if the field were not given."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_default_for_null, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return nullable(handler(schema))


def _default_for_null(value: Any) -> Any:
    if value is None:
        raise PydanticUseDefault
    return value


NULL_IS_DEFAULT = NullIsDefault()

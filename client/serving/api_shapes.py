"""The OpenAPI document of the service as tables for people: its paths, and the shapes that they take and give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_REF = "#/components/schemas/"
_BOUNDS = {
    "minimum": "Least:",
    "exclusiveMinimum": "Above:",
    "maximum": "Most:",
    "minLength": "Least characters:",
    "maxLength": "Most characters:",
    "minItems": "Least entries:",
    "maxItems": "Most entries:",
}
"""words for what JSON Schema says of a value"""


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """A field of a shape."""

    name: str
    kind: str
    shape: str
    """the shape that it is, or holds; empty where it is plain"""
    required: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A shape of JSON."""

    name: str
    says: str
    fields: tuple[FieldRow, ...]


@dataclass(frozen=True, kw_only=True)
class PathRow:
    """A path and its method."""

    method: str
    path: str
    says: str
    takes: str
    """name of a shape; empty where it takes none"""
    gives: str
    """name of a shape; empty where it is no JSON of one"""
    token: bool
    """whether it needs one"""
    refusals: tuple[tuple[str, str], ...]
    """statuses beside 200, each with what it means"""
    example: str
    """a body, as JSON; empty where it takes none"""


def path_rows(document: Mapping[str, Any]) -> tuple[PathRow, ...]:
    """Every path of an OpenAPI document, in its order."""
    return tuple(
        _path_row(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )


def shapes(document: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Every shape of an OpenAPI document, by name."""
    return tuple(_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))


def _path_row(path: str, method: str, operation: Mapping[str, Any]) -> PathRow:
    responses = operation["responses"]
    return PathRow(
        method=method.upper(),
        path=path,
        says=operation.get("description", ""),
        takes=_json_shape(operation.get("requestBody", {})),
        gives=_json_shape(responses["200"]),
        token=bool(operation.get("security")),
        refusals=tuple((status, responses[status]["description"]) for status in sorted(responses) if status != "200"),
        example=json.dumps(_json_content(operation.get("requestBody", {})).get("example", "")).strip('"'),
    )


def _json_shape(described: Mapping[str, Any]) -> str:
    return str(_json_content(described).get("schema", {}).get("$ref", "")).removeprefix(_REF)


def _json_content(described: Mapping[str, Any]) -> Mapping[str, Any]:
    content: Mapping[str, Any] = described.get("content", {}).get("application/json", {})
    return content


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = schema.get("required", ())
    fields = (_field(key, facts, key in required) for key, facts in schema.get("properties", {}).items())
    return Shape(name=name, says=_says(schema, schema), fields=tuple(fields))


def _field(name: str, schema: Mapping[str, Any], required: bool) -> FieldRow:
    kind, shape, plain = _kind(schema)
    return FieldRow(name=name, kind=kind, shape=shape, required=required, says=_says(schema, plain))


def _says(schema: Mapping[str, Any], plain: Mapping[str, Any]) -> str:
    """What a field is, what it may be, and what it is where it is left out."""
    usual = schema.get("default")
    sentences = [
        f"One of {', '.join(map(str, plain['enum']))}." if "enum" in plain else "",
        *(f"{words} {plain[bound]}." for bound, words in _BOUNDS.items() if bound in plain),
        "" if usual in (None, "", []) else f"Default: {str(usual).lower()}.",
    ]
    return " ".join(filter(None, [schema.get("description", ""), *sentences]))


def _kind(schema: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    """In words; the shape that it is or holds; and the part that says its bounds."""
    if "$ref" in schema:
        return "", str(schema["$ref"]).removeprefix(_REF), schema
    others = [alternative for alternative in schema.get("anyOf", ()) if alternative.get("type") != "null"]
    if others:
        return _kind(others[0])
    if schema.get("type") == "array":
        kind, shape, _ = _kind(schema["items"])
        return f"list of {kind}".strip(), shape, schema
    if "additionalProperties" in schema:
        return f"object of {_kind(schema['additionalProperties'])[0]}", "", schema
    return str(schema.get("type", "text")), "", schema

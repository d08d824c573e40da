"""The OpenAPI 3.1 document: what FastAPI knows, and the hot routes beside it."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from crossdock.interfaces.api.caller import VERB
from crossdock.interfaces.api.hot import HotRoute
from crossdock.interfaces.api.problems import MEDIA_TYPE, Problem
from crossdock.interfaces.api.said_events import SaidEvent

REFERENCE = "#/components/schemas/{name}"
BODIES_MEDIA_TYPE = "application/json"
# What any route may answer; each is a problem document.
PROBLEMS = {
    "400": "The body is not JSON, or not unambiguous JSON",
    "401": "No key, or one that is not valid",
    "403": "The key lacks the verb, or is a partner's",
    "404": "It does not exist",
    "409": "It contradicts what is recorded",
    "413": "The body is too large",
    "422": "The request is wrong, or the rules forbid it",
    "429": "Too many requests; come back after `retry-after`",
    "503": "It cannot be answered now; come back after `retry-after`",
}


def document_of(app: FastAPI, hot: list[HotRoute]) -> dict[str, Any]:
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        openapi_version="3.1.0",
        routes=app.routes,
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    # FastAPI's own error shape: our answers are problem documents.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    kinds = [kind for route in hot for kind in _kinds(route)]
    references, added = msgspec.json.schema_components(
        [*kinds, Problem, SaidEvent], ref_template=REFERENCE
    )
    # The same class, told by two libraries: FastAPI's telling stands.
    schemas |= {name: schema for name, schema in added.items() if name not in schemas}
    schemas["SaidEvents"]["properties"]["events"]["items"] = {
        "$ref": REFERENCE.format(name="SaidEvent")
    }
    schema_of = dict(zip(kinds, references, strict=False))
    for route in hot:
        operations = document["paths"].setdefault(route.path, {})
        operations[route.method.lower()] = _operation(route, schema_of)
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, `xd_…`"}
    }
    document["security"] = [{"key": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            _add_problems(operation)
    return document


def _kinds(route: HotRoute) -> list[Any]:
    return [kind for kind in (route.asked, *(kind for kind, _ in route.shown.values())) if kind]


def _operation(route: HotRoute, schema_of: dict[Any, Any]) -> dict[str, Any]:
    name = f"{route.method.lower()}_{route.path.rpartition('/')[2]}"
    operation: dict[str, Any] = {
        "tags": [route.tag],
        "summary": route.summary,
        "operationId": name,
        VERB: str(route.verb),
        "responses": {
            str(status): {
                "description": meaning,
                "content": {_media_type(status): {"schema": schema_of[kind]}},
            }
            for status, (kind, meaning) in route.shown.items()
        },
    }
    if route.asked is not None:
        content = {BODIES_MEDIA_TYPE: {"schema": schema_of[route.asked]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.query:
        operation["parameters"] = [
            {
                "name": parameter,
                "in": "query",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
            for parameter in route.query
        ]
    return operation


def _media_type(status: int) -> str:
    return BODIES_MEDIA_TYPE if status < 400 else MEDIA_TYPE  # noqa: PLR2004 - where HTTP's errors begin


def _add_problems(operation: dict[str, Any]) -> None:
    problem = {"schema": {"$ref": REFERENCE.format(name="Problem")}}
    responses = operation["responses"]
    if MEDIA_TYPE not in str(responses.get("422", MEDIA_TYPE)):
        del responses["422"]  # FastAPI's own
    for status, meaning in PROBLEMS.items():
        responses.setdefault(status, {"description": meaning, "content": {MEDIA_TYPE: problem}})

{% from 'templates/text.jinja' import python -%}
"""The API document, made from the views' annotations, and the pages that show it."""

import inspect
from collections.abc import Container, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, abort, current_app, send_file
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from pydantic_core import to_json
from werkzeug.routing import Rule

from backend.api.dependencies import admit_client_in_production
from backend.api.docs_pages import (
    ASSETS,
    CACHE_SECONDS,
    HEADERS,
    OPENAPI_URL,
    REDOC,
    SWAGGER_UI,
)
{%- if 'documents' in features %}
from backend.api.documented import UPLOAD
{%- endif %}
from backend.api.routing import Operation, path_template, typed

REFERENCE = "#/components/schemas/{model}"
Described = tuple[Rule, str, Operation]
References = Mapping[tuple[Any, JsonSchemaMode], Any]  # by the model, and which way it goes

logger = structlog.get_logger(__name__)
router = Blueprint("docs", __name__)


@router.get(OPENAPI_URL)
@typed(in_docs=False)
def openapi() -> Response:
    if "openapi" not in current_app.extensions:  # by now, every view is registered
        current_app.extensions["openapi"] = document(current_app)
    return Response(to_json(current_app.extensions["openapi"]), mimetype="application/json")


@router.get("/docs")
@typed(in_docs=False)
def swagger_ui() -> Response:
    return Response(SWAGGER_UI, headers=HEADERS)


@router.get("/redoc")
@typed(in_docs=False)
def redoc() -> Response:
    return Response(REDOC, headers=HEADERS)


@router.get("/docs-assets/<name>")
@typed(in_docs=False)
def docs_asset(name: str) -> Response:
    if name not in ASSETS:
        abort(404)
    return send_file(ASSETS[name], max_age=CACHE_SECONDS)


def document(app: Flask) -> dict[str, Any]:
    """Returns the OpenAPI document of the typed views, as FastAPI would write it."""
    found = list(operations(app))
    references, schemas = describe_models(view for _, _, view in found)
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, view in found:
        operation = describe(view, rule.arguments, references)
        paths.setdefault(path_template(rule), {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "{{ project_name }}",
            {{ python('"description": ', description, ',') }}
            "version": "0.1.0",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def operations(app: Flask) -> Iterator[Described]:
    """Yields what is typed; what is not, and so not in the document, is told in the log."""
    untyped = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            handler = getattr(getattr(view, "view_class", None), method.lower(), view)
            operation = getattr(handler, "operation", None)
            if not isinstance(operation, Operation):
                untyped.append(f"{method} {rule.rule}")
            elif operation.in_docs:
                yield rule, method.lower(), operation
    if untyped:
        logger.info("not_in_the_api_document", views=untyped, why="@typed describes a view")


def describe(view: Operation, in_path: Container[str], references: References) -> dict[str, Any]:
    name = view.view.__qualname__.rpartition("<locals>.")[2].replace(".", "_")
    operation: dict[str, Any] = {
        "summary": name.replace("_", " ").title(),
        "operationId": name,
    }
    if view.tag:
        operation["tags"] = [view.tag]
    if view.view.__doc__:
        operation["description"] = inspect.cleandoc(view.view.__doc__)
    if view.parameters:
        operation["parameters"] = describe_parameters(view.parameters, in_path)
    if view.body:
        content = json_content(references[view.body[1], "validation"])
        operation["requestBody"] = {"content": content, "required": True}
{%- if 'documents' in features %}
    if view.form:
        operation |= UPLOAD
{%- endif %}
    if view.guard:
        operation["security"] = [{"HTTPBearer": []}]
    if view.guard is admit_client_in_production:
        operation["security"].append({})  # or without a key
    succeeds = {view.status: {"model": view.returns, "description": "Successful Response"}}
    known = any(str(status).startswith("2") for status in view.responses)
    answers = {**({} if known else succeeds), **view.responses}
    operation["responses"] = {
        str(status): describe_response(status, answer, references)
        for status, answer in answers.items()
    }
    return operation


def describe_parameters(parameters: TypeAdapter[Any], in_path: Container[str]) -> Any:
    schema = parameters.json_schema(ref_template=REFERENCE)
    found = [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in schema.get("required", []),
            "description": part.get("description"),
            "schema": part,
        }
        for name, part in schema["properties"].items()
    ]
    return without_null(sorted(found, key=lambda parameter: parameter["in"]))


def describe_response(
    status: int | str, answer: dict[str, Any], references: References
) -> dict[str, Any]:
    usual = "Successful Response" if status == HTTPStatus.OK else None
    phrase = answer.get("description") or usual or HTTPStatus(int(status)).phrase
    schema = references.get((answer.get("model"), "serialization"), {})
    content = json_content(schema) if "model" in answer else {}
    return {"description": phrase, "content": content | answer.get("content", {})}


def json_content(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def describe_models(views: Iterable[Operation]) -> tuple[References, dict[str, Any]]:
    """Returns how each model of a request or an answer is named, and all schemas by name.

    Of two models that share a name, each has its module's in front.
    """
    models: set[tuple[type[BaseModel], JsonSchemaMode]] = set()
    enums: dict[str, Any] = {}
    for view in views:
        if view.parameters:
            enums |= view.parameters.json_schema().get("$defs", {})
        if view.body:
            models.add((view.body[1], "validation"))
        answers = [answer["model"] for answer in view.responses.values() if "model" in answer]
        if issubclass(view.returns, BaseModel):
            answers.append(view.returns)
        models.update((model, "serialization") for model in answers)
    ordered = sorted(models, key=lambda pair: (pair[0].__name__, pair[1]))
    references, definitions = models_json_schema(ordered, ref_template=REFERENCE)
    found = definitions["$defs"] | enums
    return dict(references), {name: without_null(found[name]) for name in sorted(found)}


def without_null(node: Any) -> Any:
    """Drops what is null, such as a default of None: FastAPI's document does not show it."""
    if isinstance(node, dict):
        return {name: without_null(value) for name, value in node.items() if value is not None}
    return [without_null(item) for item in node] if isinstance(node, list) else node

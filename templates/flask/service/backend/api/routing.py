"""How requests are read, and views that do what their annotations say."""

import functools
import inspect
{%- if docs or 'metrics' in features or 'tracing' in features %}
import re
{%- endif %}
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, make_dataclass
from http import HTTPStatus
from io import BytesIO
from typing import IO, Any, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from flask import Request, Response, make_response, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
{%- if docs or 'metrics' in features or 'tracing' in features %}
from werkzeug.routing import PathConverter, Rule
{%- else %}
from werkzeug.routing import PathConverter
{%- endif %}
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_input_stream

{% if docs -%}
from backend.api.documented import ERROR, Responses
{% endif -%}
from backend.api.json_body import {{ 'NO_FORM_TYPE, ' if 'documents' in features else '' }}NO_JSON_TYPE, NOT_JSON, {{ 'is_form, ' if 'documents' in features else '' }}is_json, parse

View = Callable[..., BaseModel | Response | tuple[Any, ...]]
Guard = Callable[[], None]
PIECE_BYTES = 64 * 1024
{%- if docs or 'metrics' in features or 'tracing' in features %}
PATH_PARAMETER = re.compile(r"<(?:[^:>]+:)?(\w+)>")
{%- endif %}


class BoundedRequest(Request):
    """A request whose body is read once, and no further than it may be."""

    @cached_property
    def stream(self) -> IO[bytes]:
        limit = self.max_content_length or 0
        if (self.content_length or 0) > limit:
            raise RequestEntityTooLarge
        source, size = get_input_stream(self.environ), 0
        pieces: list[bytes] = []
        while piece := source.read(PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise RequestEntityTooLarge
        return BytesIO(b"".join(pieces))


class NonEmptyPath(PathConverter):
    """Werkzeug's own takes no path that begins with a slash."""

    regex = ".+"
    part_isolating = False  # Werkzeug would set it by the pattern, which shows no slash


class InvalidInput(Exception):
    """What was sent does not fit its type.

    Args:
        failure: the first, as Pydantic describes it.
        sent: in what it is.
    """

    def __init__(self, failure: Mapping[str, Any], sent: object) -> None:
        super().__init__()
        self.failure = failure
        self.sent = sent


class Operation:
    """What a typed view does: takes the body as a model, and all else from the path and the query.

    Args:
        view: a function with at most one argument that is a model; returns a model or a response,
            perhaps in a tuple with its status.
        guard: raises where the request is not let in.
{%- if docs %}
        tag: the section of the API document that shows the view.
        responses: what the document says of the answers, beyond the annotations.
        in_docs: whether the document shows the view.
{%- endif %}
{%- if 'documents' in features %}
        form: whether the view reads a form.
{%- endif %}

    Raises:
        TypeError: the annotations name what cannot be read or sent.
    """

{% if docs and 'documents' in features %}    def __init__(
        self,
        view: View,
        guard: Guard | None,
        tag: str,
        responses: Responses,
        *,
        in_docs: bool,
        form: bool,
    ) -> None:
{% elif docs %}    def __init__(
        self, view: View, guard: Guard | None, tag: str, responses: Responses, *, in_docs: bool
    ) -> None:
{% else %}    def __init__(self, view: View, guard: Guard | None{{ ', *, form: bool' if 'documents' in features else '' }}) -> None:
{% endif %}        name = view.__name__
        hints = get_type_hints(view, include_extras=True)
        returns, {{ 'self.status' if docs else '_' }} = returned(hints.pop("return", None))
        if not is_a(returns, BaseModel, Response):
            wanted = "a model or a Response; a list is a RootModel[list[...]]"
            raise TypeError(f"{name}: annotate what it returns with {wanted}")
        models = [(name, hint) for name, hint in hints.items() if is_a(hint, BaseModel)]
        if len(models) > 1:
            raise TypeError(f"{name}: the body is one model; write one that holds both")
        self.body = models[0] if models else None
        self.parameters = type_of_parameters(view, hints)
        self.guard = guard
        self.view = view
{%- if 'documents' in features %}
        self.form = form
{%- endif %}
{%- if docs %}
        self.returns: type[BaseModel | Response] = returns
        self.tag = tag
        self.responses = responses
        self.in_docs = in_docs
{%- endif %}

    def answer(self, *instance: object, **in_path: str) -> Response:
        # In FastAPI's order: the client may ask, the body is JSON, all of it is valid.
        if self.guard:
            self.guard()
{%- if 'documents' in features %}
        if self.form:
            read_form()
{%- endif %}
        sent = read_body() if self.body else None
        arguments = read_parameters(self.parameters, in_path) if self.parameters else {}
        if self.body:
            name, model = self.body
            arguments[name] = validated_body(model, sent)
        answer = self.view(*instance, **arguments)
        value, *status = answer if isinstance(answer, tuple) else (answer,)
        if isinstance(value, BaseModel):
            value = Response(value.model_dump_json(), mimetype="application/json")
        return make_response(value, *status)


{% if docs %}def typed(
    *,
    tag: str = "",
    responses: Responses | None = None,
    guard: Guard | None = None,
    in_docs: bool = True,
{%- if 'documents' in features %}
    form: bool = False,
{%- endif %}
) -> Callable[[View], Callable[..., Response]]:
{% elif 'documents' in features %}def typed(
    *, guard: Guard | None = None, form: bool = False
) -> Callable[[View], Callable[..., Response]]:
{% else %}def typed(*, guard: Guard | None = None) -> Callable[[View], Callable[..., Response]]:
{% endif %}    """Reads and answers requests as a view's annotations say, or those of a view class's method."""

    def decorate(view: View) -> Callable[..., Response]:
{%- if docs and 'documents' in features %}
        said = {**ERROR, **(responses or {})}
        operation = Operation(view, guard, tag, said, in_docs=in_docs, form=form)
{%- elif docs %}
        operation = Operation(view, guard, tag, {**ERROR, **(responses or {})}, in_docs=in_docs)
{%- else %}
        operation = Operation(view, guard{{ ', form=form' if 'documents' in features else '' }})
{%- endif %}

        @functools.wraps(view)
        def typed_view(*instance: object, **in_path: str) -> Response:
            return operation.answer(*instance, **in_path)

{% if docs %}        # For the API document, through every decorator above that uses `functools.wraps`.
        typed_view.__dict__["operation"] = operation
{% endif %}        return typed_view

    return decorate


def returned(hint: Any) -> tuple[Any, int | str]:
    """Returns the type of an answer and its status, as in `tuple[Item, Literal[201]]`."""
    match get_args(hint) if get_origin(hint) is tuple else ():
        case (kind, status, *_):
            return kind, next(iter(get_args(status)), "2XX")
        case _:
            return hint, HTTPStatus.OK.value


{% if docs or 'metrics' in features or 'tracing' in features -%}
def path_template(rule: Rule) -> str:
    """Returns the path of a rule with its parameters in braces, as in `/items/{item_id}`."""
    return PATH_PARAMETER.sub(r"{\1}", rule.rule)


{% endif -%}
def read_body() -> Any:
    """Returns the JSON value that was sent, or no bytes where there are none."""
    if not is_json(request.content_type):
        raise UnsupportedMediaType(NO_JSON_TYPE)
    sent = received()
    try:
        return parse(sent) if sent else sent
    except ValueError as error:
        raise BadRequest(NOT_JSON) from error


{% if 'documents' in features %}def read_form() -> None:
    """Reads the fields and files of a form, all of which is received by then."""
    if not is_form(request.content_type):
        raise UnsupportedMediaType(NO_FORM_TYPE)
    request.files  # noqa: B018 - which reads them


{% endif %}def received() -> bytes:
    try:
        return request.get_data()
    except HTTPException:
        raise
    except Exception as error:  # chunks that cannot be read; every server has its own error
        raise BadRequest(NOT_JSON) from error


def validated_body(model: type[BaseModel], sent: Any) -> BaseModel:
    if sent == b"":
        raise InvalidInput({"type": "missing", "loc": (), "msg": "Field required"}, sent)
    try:
        return model.model_validate(sent, from_attributes=True)
    except ValidationError as error:
        raise InvalidInput(error.errors(include_url=False, include_input=False)[0], sent) from None


def type_of_parameters(view: View, hints: Mapping[str, Any]) -> TypeAdapter[Any] | None:
    """Returns the type of what the path and the query hold, if the view asks for any of it."""
    fields = []
    for name, parameter in inspect.signature(view).parameters.items():
        hint = hints.get(name, Any)
        if name == "self" or is_a(hint, BaseModel):
            continue
        if any(is_a(part, BaseModel, list, tuple, set, dict) for part in (hint, *get_args(hint))):
            remedy = "no path or query holds it; put it into the model of the body"
            raise TypeError(f"{view.__name__}: {name} is not a single value: {remedy}")
        default = MISSING if parameter.default is parameter.empty else parameter.default
        fields.append((name, hint, field(default=default)))
    return TypeAdapter(make_dataclass("Parameters", fields, kw_only=True)) if fields else None


def read_parameters(parameters: TypeAdapter[Any], in_path: dict[str, str]) -> dict[str, Any]:
    # As Starlette reads it: `request.args` takes the first of several values, and leaves `%ff`.
    in_query = parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True)
    sent = dict(in_query) | in_path
    try:
        return dict(vars(parameters.validate_python(sent)))
    except ValidationError as error:
        failures = error.errors(include_url=False, include_input=False)
        # In FastAPI's order: the path, then the query.
        failures.sort(key=lambda failure: failure["loc"][0] not in in_path)
        raise InvalidInput(failures[0], sent) from None


def is_a(hint: Any, *kinds: type) -> bool:
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, kinds)

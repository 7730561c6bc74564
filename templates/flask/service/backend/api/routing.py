"""How requests are read, and views that do what their annotations say."""

import functools
{%- if docs or 'metrics' in features %}
import re
{%- endif %}
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import IO, Any, get_type_hints

from flask import Request, Response, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
{%- if docs or 'metrics' in features %}
from werkzeug.routing import Rule
{%- endif %}
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_input_stream

{% if docs -%}
from backend.api.documented import ERROR, Responses
{% endif -%}
from backend.api.json_body import NOT_JSON, parse

View = Callable[..., BaseModel | Response]
Guard = Callable[[], None]
{%- if docs or 'metrics' in features %}
PATH_PARAMETER = re.compile(r"<(?:[^:>]+:)?(\w+)>")
{%- endif %}


class BoundedRequest(Request):
    """A request whose body is read at once, where Flask would read it in three pieces."""

    @cached_property
    def stream(self) -> IO[bytes]:
        limit = self.max_content_length or 0
        if (self.content_length or 0) > limit:
            raise RequestEntityTooLarge
        sent = get_input_stream(self.environ).read(limit + 1)
        if len(sent) > limit:
            raise RequestEntityTooLarge
        return BytesIO(sent)


class InvalidInput(Exception):
    """What was sent does not fit its type.

    Args:
        failures: as Pydantic describes them.
    """

    def __init__(self, failures: Sequence[Any]) -> None:
        super().__init__()
        self.failures = failures


class TypedView:
    """A view that takes the parameters of its path, and the request's body as a model.

    Args:
        view: a function with at most one argument that is a model; returns a model or a response.
        guard: raises where the request is not let in.
{%- if docs %}
        tag: the section of the API document that shows the view.
        responses: what the document says of the answers, beyond the annotations.
{%- endif %}
    """

    __name__: str

{% if docs %}    def __init__(self, view: View, guard: Guard | None, tag: str, responses: Responses) -> None:
{% else %}    def __init__(self, view: View, guard: Guard | None) -> None:
{% endif %}        functools.update_wrapper(self, view)
        hints = get_type_hints(view)
{%- if docs %}
        self.returns: type[BaseModel | Response] = hints.pop("return")
{%- else %}
        hints.pop("return")
{%- endif %}
        self.body = next((item for item in hints.items() if is_model(item[1])), None)
        self.path_parameters = {
            name: TypeAdapter(hint) for name, hint in hints.items() if not is_model(hint)
        }
        self.guard = guard
{%- if docs %}
        self.tag = tag
        self.responses = responses
{%- endif %}
        self._view = view

    def __call__(self, **in_path: str) -> Response:
        # In FastAPI's order: the body is JSON, the client may ask, all of it is valid.
        sent = read_body() if self.body else None
        if self.guard:
            self.guard()
        arguments = {
            name: validated(self.path_parameters[name], value, name)
            for name, value in in_path.items()
        }
        if self.body:
            name, model = self.body
            arguments[name] = validated_body(model, sent)
        answer = self._view(**arguments)
        if isinstance(answer, BaseModel):
            return Response(answer.model_dump_json(), mimetype="application/json")
        return answer

{% if docs %}
def typed(
    *, tag: str, responses: Responses | None = None, guard: Guard | None = None
) -> Callable[[View], TypedView]:
    return lambda view: TypedView(view, guard, tag, {**ERROR, **(responses or {})})
{% else %}
def typed(guard: Guard | None = None) -> Callable[[View], TypedView]:
    return lambda view: TypedView(view, guard)
{% endif %}

{% if docs or 'metrics' in features -%}
def path_template(rule: Rule) -> str:
    """Returns the path of a rule with its parameters in braces, as in `/items/{item_id}`."""
    return PATH_PARAMETER.sub(r"{\1}", rule.rule)


{% endif -%}
def read_body() -> Any:
    """Returns the JSON value that was sent, or the bytes where they claim to be something else."""
    sent = received()
    if not sent or not request.is_json:
        return sent
    try:
        return parse(sent)
    except ValueError as error:
        raise BadRequest(NOT_JSON) from error


def received() -> bytes:
    try:
        return request.get_data()
    except HTTPException:
        raise
    except Exception as error:  # chunks that cannot be read; every server has its own error
        raise BadRequest(NOT_JSON) from error


def validated_body(model: type[BaseModel], sent: Any) -> BaseModel:
    if sent == b"":
        raise InvalidInput([{"type": "missing", "loc": (), "msg": "Field required"}])
    try:
        return model.model_validate(sent, from_attributes=True)
    except ValidationError as error:
        raise InvalidInput(error.errors(include_url=False, include_input=False)) from None


def validated(adapter: TypeAdapter[Any], sent: str, name: str) -> Any:
    try:
        return adapter.validate_python(sent)
    except ValidationError as error:
        failures = error.errors(include_url=False, include_input=False)
        raise InvalidInput([{**failures[0], "loc": (name,)}]) from None


def is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)

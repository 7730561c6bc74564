"""Views that do what their annotations say: a Pydantic model in, a Pydantic model out."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

from flask import Response, current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.routing import Rule
from werkzeug.wsgi import get_input_stream

from backend.api.documented import Responses
from backend.api.json_body import NOT_JSON, parse

View = Callable[..., BaseModel | Response]
Guard = Callable[[], None]
PART = re.compile(r"<(?:[^:>]+:)?(\w+)>")


class InvalidBody(Exception):
    """The request's body does not fit its model.

    Args:
        failures: as Pydantic describes them.
    """

    def __init__(self, failures: Sequence[Any]) -> None:
        super().__init__()
        self.failures = failures


class TypedView:
    """A view that takes the parts of its path, and the request's body as a model.

    Args:
        view: a function with at most one argument that is a model; returns a model or a response.
        guard: raises where the request is not let in.
        tag: the section of the API document that shows the view.
        responses: what the document says of the answers, beyond the annotations.
    """

    __name__: str

    def __init__(self, view: View, guard: Guard | None, tag: str, responses: Responses) -> None:
        functools.update_wrapper(self, view)
        hints = get_type_hints(view)
        self.returns: type[BaseModel | Response] = hints.pop("return")
        self.body = next((item for item in hints.items() if issubclass(item[1], BaseModel)), None)
        self.parts = {name: hint for name, hint in hints.items() if (name, hint) != self.body}
        self.guard = guard
        self.tag = tag
        self.responses = responses
        self._view = view

    def __call__(self, **arguments: Any) -> Response:
        # In FastAPI's order: the body is JSON, the client may ask, the body is valid.
        sent = read_body() if self.body else None
        if self.guard:
            self.guard()
        if self.body:
            name, model = self.body
            arguments[name] = validated(model, sent)
        answer = self._view(**arguments)
        if isinstance(answer, BaseModel):
            return Response(answer.model_dump_json(), mimetype="application/json")
        return answer


def typed(
    *, tag: str, responses: Responses | None = None, guard: Guard | None = None
) -> Callable[[View], TypedView]:
    return lambda view: TypedView(view, guard, tag, responses or {})


def path_template(rule: Rule) -> str:
    """Returns a rule's path as OpenAPI writes it, with its parts in braces."""
    return PART.sub(r"{\1}", rule.rule)


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
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        # One read instead of get_data's three, which would also stop at the limit in silence.
        sent = get_input_stream(request.environ).read(limit + 1)
    except Exception as error:  # chunks that cannot be read; every server has its own error
        raise BadRequest(NOT_JSON) from error
    if len(sent) > limit:
        raise RequestEntityTooLarge
    return sent


def validated(model: type[BaseModel], sent: Any) -> BaseModel:
    if sent == b"":
        raise InvalidBody([{"type": "missing", "loc": (), "msg": "Field required"}])
    try:
        return model.model_validate(sent, from_attributes=True)
    except ValidationError as error:
        raise InvalidBody(error.errors(include_url=False, include_input=False)) from None

"""What goes over the wire, whichever framework sends it."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue, RootModel

from backend import errors
from backend.gateway.policy import DROPPED
from backend.logs import log_bug


class Greeting(BaseModel):
    message: str


class EchoRequest(RootModel[JsonValue]):
    model_config = ConfigDict(allow_inf_nan=False)


class Echo(BaseModel):
    you_sent: Any


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    status: Literal["ok", "degraded"] = "ok"
    lost: list[Literal["redis"]] = []


class RequestsLeft(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    limit: int
    remaining: int
    resets_at: int | None


class TokensLeft(RequestsLeft):
    used: int


class UsageReport(BaseModel):
    """What a client has spent and has left; times are in seconds since 1970."""

    object: Literal["usage"] = "usage"
    client: str
    requests: RequestsLeft
    tokens: TokensLeft
    by_operation: dict[str, int]


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """OpenAI's shape of an error, which every client already parses."""

    error: ErrorDetail


class ErrorAnswer(NamedTuple):
    status: int
    body: str
    headers: dict[str, str]


ASKED_BY_PAGES = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
EXPOSED = ["x-request-id", "retry-after", DROPPED]  # what a page of another origin may read
MOST_TARGET_BYTES = 8_000
MOST_HEAD_BYTES = 64_000


def error_json(error: errors.AppError) -> str:
    detail = ErrorDetail(message=error.message, type=error.type, param=error.param, code=error.code)
    return ErrorBody(error=detail).model_dump_json()


def told(error: BaseException) -> errors.AppError:
    """Returns what the client is told of an error; of a bug, no more than that there is one."""
    if not isinstance(error, Exception):  # cancelled: a client that left does not hear of it
        return errors.Unavailable("The service is stopping")
    if isinstance(error, errors.AppError):
        return error
    log_bug(error)
    return errors.AppError(HTTPStatus.INTERNAL_SERVER_ERROR.phrase)


def from_error(failure: Exception) -> ErrorAnswer:
    error = told(failure)
    headers = {}
    if error.retry_after is not None:
        headers["retry-after"] = error.retry_after
    if isinstance(error, errors.Unauthorized):
        headers["www-authenticate"] = "Bearer"
    return ErrorAnswer(error.status, error_json(error), headers)


def from_status(status: int, detail: object = None) -> ErrorAnswer:
    """Returns the answer to what was refused by its status: a route that does not exist, say."""
    kind = "api_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    message = detail if isinstance(detail, str) else HTTPStatus(status).phrase
    body = ErrorBody(error=ErrorDetail(message=message, type=kind)).model_dump_json()
    return ErrorAnswer(status, body, {})


def refused_head(target: int, headers: int) -> ErrorAnswer | None:
    """Returns the answer to a request whose head is too large.

    Args:
        target: how many bytes its path and query have.
        headers: how many its headers have.
    """
    if target > MOST_TARGET_BYTES:
        return from_status(414, f"The path and query are longer than {MOST_TARGET_BYTES} bytes")
    if headers > MOST_HEAD_BYTES:
        return from_status(431, f"The headers are longer than {MOST_HEAD_BYTES} bytes")
    return None


def no_such_route(path: str, served: Iterable[str]) -> ErrorAnswer:
    """Returns the answer to an unknown path; below `/v1` it says what there is."""
    names = ", ".join(sorted({name for name in served if name.startswith("/v1/")}))
    below = path == "/v1" or path.startswith("/v1/")
    return from_status(404, f"No such route; there are {names}" if below else None)


def from_validation(failure: Mapping[str, Any], sent: object) -> ErrorAnswer:
    """Returns the answer to a request of the wrong form: it names the field, never its value."""
    field = ".".join(map(str, errors.place_of(failure, sent)))
    message = f"{field}: {failure['msg']}" if field else failure["msg"]
    detail = ErrorDetail(
        message=message, type="invalid_request_error", param=field or None, code=failure["type"]
    )
    body = ErrorBody(error=detail).model_dump_json()
    return ErrorAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, body, {})

"""What can go wrong while answering, in the words that a client reads."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar


class AppError(Exception):
    """An error that the client is told about.

    Args:
        message: what the client reads; never any part of a prompt or an answer.
        param: the request field that is at fault.
        code: a short machine-readable reason.
        retry_after: seconds to wait before trying again, as the upstream sent them.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    type: ClassVar[str] = "api_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.retry_after = retry_after


class InvalidRequest(AppError):
    status = HTTPStatus.BAD_REQUEST
    type = "invalid_request_error"


class RequestTooLarge(InvalidRequest):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnprocessableRequest(InvalidRequest):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotFound(InvalidRequest):
    status = HTTPStatus.NOT_FOUND


class Unauthorized(AppError):
    status = HTTPStatus.UNAUTHORIZED
    type = "authentication_error"


class RateLimited(AppError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    type = "rate_limit_error"


class Unavailable(AppError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    type = "service_unavailable_error"


class UpstreamFailed(AppError):
    status = HTTPStatus.BAD_GATEWAY
    type = "upstream_error"


class UpstreamTimedOut(UpstreamFailed):
    status = HTTPStatus.GATEWAY_TIMEOUT
    type = "timeout_error"


class AnswerRefused(UpstreamFailed):
    """The model, or its provider's filter, holds the answer back."""


class AnswerCutOff(UpstreamFailed):
    """The answer is longer than it may be."""


class AnswerMalformed(UpstreamFailed):
    """The answer has another form than was asked for."""


def place_of(failure: Mapping[str, Any], sent: Any) -> list[str | int]:
    """Returns the way to what is at fault; Pydantic's own also names the forms that it tried."""
    way, place = list(failure["loc"]), []
    missing = [way.pop()] if way and failure["type"] == "missing" else []
    for step in way:
        match sent:
            case Mapping() if step in sent:
                place.append(step)
                sent = sent[step]
            case list() if isinstance(step, int) and step < len(sent):
                place.append(step)
                sent = sent[step]
    return place + missing

"""What can go wrong while answering, in the words that a client reads."""

from typing import ClassVar


class AppError(Exception):
    """An error that the client is told about.

    Args:
        message: what the client reads; never any part of a prompt or an answer.
        param: the request field that is at fault.
        code: a short machine-readable reason.
        retry_after: seconds to wait before trying again, as the upstream sent them.
    """

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
    type = "invalid_request_error"


class RequestTooLarge(InvalidRequest):
    pass


class UnprocessableRequest(InvalidRequest):
    pass


class NotFound(InvalidRequest):
    pass


class Unauthorized(AppError):
    type = "authentication_error"


class RateLimited(AppError):
    type = "rate_limit_error"


class Unavailable(AppError):
    type = "service_unavailable_error"


class UpstreamFailed(AppError):
    type = "upstream_error"


class UpstreamTimedOut(UpstreamFailed):
    type = "timeout_error"


class AnswerRefused(UpstreamFailed):
    """The model, or its provider's filter, holds the answer back."""


class AnswerCutOff(UpstreamFailed):
    """The answer is longer than it may be."""


class AnswerMalformed(UpstreamFailed):
    """The answer has another form than was asked for."""

"""What an upstream's answers and failures mean to our client."""

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import structlog

from backend.errors import (
    AppError,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestTooLarge,
    UnprocessableRequest,
    UpstreamFailed,
    UpstreamTimedOut,
)
from backend.json_text import read_json

MALFORMED = "The model sent a malformed answer"
FAILURES = (openai.OpenAIError, httpx2.HTTPError)
CHAT, EMBEDDINGS = "/chat/completions", "/embeddings"
LIST_IN = {CHAT: "choices", EMBEDDINGS: "data"}
# What follows an answer is read for a while: only then can its connection serve another.
REMAINDER_SECONDS, MOST_REMAINDERS = 1, 100
NO_SUCH_ROUTE = {404, 405, 501}
PASSED_ON: dict[int, type[InvalidRequest]] = {
    400: InvalidRequest,
    404: NotFound,
    413: RequestTooLarge,
    422: UnprocessableRequest,
}
logger = structlog.get_logger(__name__)


def translate(error: Exception) -> AppError:
    """Returns our error for one of `FAILURES`, as the client should see it; logs what it was."""
    causes = [type(cause).__name__ for cause in causes_of(error)]
    status, code = getattr(error, "status_code", None), text_of(getattr(error, "code", None))
    logger.warning("model_failed", causes=causes, status=status, code=code)
    match error:
        case openai.APITimeoutError() | httpx2.TimeoutException() if not is_refused(error):
            return UpstreamTimedOut("The model did not answer in time")
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return UpstreamFailed("The model's provider refused this service's own API key")
        case openai.RateLimitError():
            spent = code == "insufficient_quota"
            message = "This service has spent its quota" if spent else "The model is busy"
            retry_after = error.response.headers.get("retry-after")
            return RateLimited(message, code=code, retry_after=retry_after)
        case openai.APIStatusError() if lacks_embeddings(error):
            message = f"The provider has no embeddings, or not of this model: {reason(error)}"
            return NotFound(message, param="model", code=code)
        case openai.APIStatusError() if error.status_code in PASSED_ON:
            kind = PASSED_ON[error.status_code]
            return kind(reason(error), param=text_of(error.param), code=code)
        case openai.APIStatusError():
            return UpstreamFailed("The model's provider answered with an error")
        case _:
            return UpstreamFailed("The model could not be reached")


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yields the error, what caused it, what caused that, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def is_refused(error: Exception) -> bool:
    """Tells whether no connection came about, which aiohttp's adapter calls a timeout."""
    return any(
        isinstance(cause, OSError) and not isinstance(cause, TimeoutError)
        for cause in causes_of(error)
    )


def lacks_embeddings(error: openai.APIStatusError) -> bool:
    return error.status_code in NO_SUCH_ROUTE and error.request.url.path.endswith(EMBEDDINGS)


def reason(error: openai.APIStatusError) -> str:
    body: Any = error.body
    message = text_of(body.get("message")) if isinstance(body, dict) else None
    return message or "The model rejected the request"


def text_of(value: object) -> str | None:
    """Returns a text, as it can be sent: half a surrogate pair cannot. None for another value."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def model_names(response: httpx2.Response) -> list[str]:
    try:
        return [str(model["id"]) for model in json_of(response, "data")["data"]]
    except (LookupError, TypeError):
        raise UpstreamFailed(MALFORMED) from None


def json_of(response: httpx2.Response, list_name: str) -> dict[str, Any]:
    """Returns the object in a plain answer.

    Raises:
        UpstreamFailed: there is none, it is an error, or it has no list of that name.
    """
    try:
        body: Any = read_json(response.content)
    except ValueError:
        body = None
    match body:
        case dict() if body.get("error") is not None:
            raise UpstreamFailed("The model failed while it answered")
        case dict() if isinstance(body.get(list_name), list):
            return body
    raise UpstreamFailed(MALFORMED)

"""What an upstream's answers and failures mean to our client."""

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import mktime_tz, parsedate_tz
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
CHAT, RESPONSES, EMBEDDINGS = "/chat/completions", "/responses", "/embeddings"
LIST_IN = {CHAT: "choices", RESPONSES: "output", EMBEDDINGS: "data"}
# What follows an answer is read for a while: only then can its connection serve another.
REMAINDER_SECONDS, MOST_REMAINDERS = 1, 100
MOST_ANSWER_BYTES = 32 * 1024 * 1024  # of one that is no stream: vectors for many texts, say
LONGEST_WAIT = 3  # seconds within a request until the model is asked again
LONGEST_RETRY_AFTER = 366 * 24 * 60 * 60
MOST_REASON, MOST_REASONS, MOST_BODY = 300, 3, 10_000
QUOTES, PUNCTUATION = "'\"`", "'\"`.,:;()[]{}<>!?"
UNREADABLE = (httpx2.RemoteProtocolError, httpx2.DecodingError, httpx2.ReadError)
SPENT, SPENT_QUOTA = 402, "This service has spent its quota"
SPENT_CODES = {
    "billing_error",
    "billing_hard_limit_reached",
    "exceeded_current_quota_error",
    "insufficient_balance",
    "insufficient_credits",
    "insufficient_quota",
    "payment_required",
}
ADDED = {
    "stream_options": "LLM_ASK_USAGE",
    "max_completion_tokens": "LLM_TOKEN_FIELD",
    "max_tokens": "LLM_TOKEN_FIELD",
}
NO_SUCH_ROUTE = {404, 405, 501}
PASSED_ON: dict[int, type[InvalidRequest]] = {
    400: InvalidRequest,
    404: NotFound,
    413: RequestTooLarge,
    422: UnprocessableRequest,
}
logger = structlog.get_logger(__name__)


class AnswerTooLarge(openai.OpenAIError):
    """An answer that would fill our memory; as an error of the SDK's it is not asked for again."""


def guarded(
    response: httpx2.Response, body: httpx2.SyncByteStream | httpx2.AsyncByteStream, longest: float
) -> httpx2.Response:
    """Returns an answer as the SDK may have it.

    Args:
        body: what the answer holds, bounded and unpacked; a stream of events has bounds of its own.
        longest: seconds that we would wait ourselves; a client is told of any longer wait.
    """
    headers = response.headers
    if (seconds_to_wait(headers) or 0) > longest:
        headers["x-should-retry"] = "false"
    headers.pop("set-cookie", None)  # all clients would share it
    # Without a charset: Python knows some that are none of text, and JSON is in UTF-8.
    headers["content-type"] = headers.get("content-type", "").partition(";")[0]
    if headers["content-type"] == "text/event-stream":
        return response
    unpacked = httpx2.Headers(headers)
    unpacked.pop("content-encoding", None)
    return httpx2.Response(
        response.status_code, headers=unpacked, stream=body, extensions=response.extensions
    )


def seconds_to_wait(headers: Mapping[str, str]) -> int | None:
    """Returns after how many seconds an upstream would be asked again, if it says so."""
    seconds = float("nan")
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(LookupError, ValueError):
            seconds = float(headers[name]) / unit
            break
    else:
        with suppress(OverflowError, ValueError):
            if date := parsedate_tz(headers.get("retry-after", "")):
                seconds = max(0, mktime_tz(date) - time.time())
    return math.ceil(seconds) if 0 <= seconds <= LONGEST_RETRY_AFTER else None


def translate(error: Exception) -> AppError:
    """Returns our error for one of `FAILURES`, as the client should see it; logs what it was."""
    causes = list(causes_of(error))
    status, code = getattr(error, "status_code", None), text_of(getattr(error, "code", None))
    reason = reason_of(error) if isinstance(error, openai.APIStatusError) else None
    logger.warning(
        "model_failed",
        causes=[type(cause).__name__ for cause in causes],
        status=status,
        code=code,
        reason=reason,
        fix=remedy(error, reason or "") if isinstance(error, openai.APIStatusError) else None,
    )
    match error:
        case AnswerTooLarge():
            return UpstreamFailed("The model's answer is too large")
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return UpstreamTimedOut("The model did not answer in time")
        case openai.APIStatusError():
            return translated_status(error, code, reason)
        case httpx2.HTTPError():  # of a stream that had begun: the SDK has errors of its own
            return UpstreamFailed("The model's answer was cut off")
        case _ if any(isinstance(cause, UNREADABLE) for cause in causes):
            return UpstreamFailed(MALFORMED)
        case _:
            return UpstreamFailed("The model could not be reached")


def translated_status(
    error: openai.APIStatusError, code: str | None, reason: str | None
) -> AppError:
    wait = seconds_to_wait(error.response.headers)
    retry_after = None if wait is None else str(wait)
    reason = reason or "The model rejected the request"
    spent = error.status_code == SPENT or {code, text_of(error.type)} & SPENT_CODES
    match error.status_code:
        case 429:
            message = SPENT_QUOTA if spent else "The model is busy"
            return RateLimited(message, code=code, retry_after=retry_after)
        case _ if spent:
            return UpstreamFailed(SPENT_QUOTA, code="insufficient_quota")
        case 401 | 403:
            return UpstreamFailed("The model's provider refused this service's own API key")
        case _ if lacks_embeddings(error):
            message = f"The provider has no embeddings, or not of this model: {reason}"
            return NotFound(message, param="model", code=code)
        case status if status in PASSED_ON:
            return PASSED_ON[status](reason, param=text_of(error.param), code=code)
        case _:
            message = "The model's provider answered with an error"
            return UpstreamFailed(message, retry_after=retry_after)


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yields the error, what caused it, what caused that, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def lacks_embeddings(error: openai.APIStatusError) -> bool:
    return error.status_code in NO_SUCH_ROUTE and error.request.url.path.endswith(EMBEDDINGS)


def remedy(error: openai.APIStatusError, reason: str) -> str | None:
    """Returns what to change, where a setting would help."""
    if moved_to := error.response.headers.get("location", ""):
        with suppress(httpx2.InvalidURL):
            url = error.request.url.join(moved_to)
            return f"LLM_BASE_URL: the model has moved to {url.scheme}://{url.netloc.decode()}"
    if error.status_code in NO_SUCH_ROUTE and error.request.url.path.endswith(RESPONSES):
        return "LLM_RESPONSES: the model may have no API for responses"
    refused = next((field for field in ADDED if field in f"{reason} {error.param}"), None)
    return f"{ADDED[refused]}: the model takes no {refused}" if refused else None


def reason_of(error: openai.APIStatusError) -> str | None:
    """Returns why the upstream refused, without what the request said."""
    reason = " ".join(" ".join(reasons_in(error.body)).split())[:MOST_REASON]
    return withheld(reason, error.request.content) or None


def reasons_in(body: object) -> Iterator[str]:
    """Yields the texts that say why, of the shapes that upstreams give an error.

    Never what they quote: FastAPI's, for one, hold the whole request as `input`.
    """
    match body:
        case str():
            yield text_of(re.sub(r"<[^<>]*>", " ", body[:MOST_BODY])) or ""
        case list():
            for item in body[:MOST_REASONS]:
                yield from reasons_in(item)
        case {"loc": list(place), "msg": str(message)}:
            yield f"{'.'.join(map(str, place))}: {message};"
        case dict():
            for name in ("error", "message", "msg", "detail", "details", "errors", "title"):
                yield from reasons_in(body.get(name))


def withheld(reason: str, request: bytes) -> str:
    """Returns a reason without what a request said: three words, one in quotes, or a rare one."""
    try:
        said = " ".join(" ".join(texts_in(json.loads(request))).split())
    except ValueError:
        return ""
    words = reason.split()
    quoted = [False] * len(words)
    for index, word in enumerate(words):
        bare = word.strip(PUNCTUATION)
        rare = word[0] in QUOTES or not re.fullmatch("[A-Z]?[a-z_]*", bare)
        if rare and bare in said:
            quoted[index] = True
        three = " ".join(words[index : index + 3]).strip(PUNCTUATION)
        if len(words) - index >= 3 and three in said:
            quoted[index : index + 3] = [True] * 3
    return " ".join("…" if hide else word for word, hide in zip(words, quoted, strict=True))


def texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts_in(item)
        case dict():
            for name, item in value.items():
                if name != "model":
                    yield from texts_in(item)


def text_of(value: object) -> str | None:
    """Returns a text, as it can be sent: half a surrogate pair cannot. None for another value."""
    text = value[:MOST_BODY] if isinstance(value, str) else None
    return text.encode(errors="replace").decode() if text is not None else None


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

"""What lets one request be followed from service to service."""

from structlog.contextvars import get_contextvars


def outgoing_headers() -> dict[str, str]:
    """Returns what a call of the model says about the request that it serves."""
    known = get_contextvars()
    headers = {"x-request-id": str(known["request_id"])} if "request_id" in known else {}
    return headers

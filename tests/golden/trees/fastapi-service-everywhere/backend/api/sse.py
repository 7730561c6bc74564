"""The framing of server-sent events."""

DONE = "data: [DONE]\n\n"
PING = ": ping\n\n"
PING_SECONDS = 10
MEDIA_TYPE = "text/event-stream"
# Without these a proxy may hold the stream back until it ends.
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def frame(payload: str) -> str:
    return f"data: {payload}\n\n"

"""The framing of server-sent events."""

DONE = "data: [DONE]\n\n"
MEDIA_TYPE = "text/event-stream"
# Without these a proxy may hold the stream back until it ends.
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def frame(payload: str) -> str:
    return f"data: {payload}\n\n"

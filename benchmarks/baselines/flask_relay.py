"""The usual relay of a model's stream in Flask: the SDK's chunks, one by one, dumped again."""

from collections.abc import Iterator

from flask import Flask, Response, request
from openai import OpenAI

app = Flask(__name__)
client = OpenAI()


@app.post("/v1/chat/completions")
def chat() -> Response:
    stream = client.chat.completions.create(**request.json)

    def events() -> Iterator[str]:
        for chunk in stream:
            yield f"data: {chunk.model_dump_json()}\n\n"
        yield "data: [DONE]\n\n"

    return Response(events(), mimetype="text/event-stream")

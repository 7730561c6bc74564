"""The least that Flask needs for a greeting and an echo; it checks, limits and logs nothing."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.get("/")
def root() -> Response:
    return jsonify(message="Hello from Flask!")


@app.post("/echo")
def echo() -> Response:
    return jsonify(you_sent=request.json)

"""An echo in Flask, at once and after half a second, by plain and by async views."""

import asyncio
import time

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.post("/echo")
def echo() -> Response:
    return jsonify(you_sent=request.json)


@app.post("/async-echo")
async def async_echo() -> Response:
    return jsonify(you_sent=request.json)


@app.post("/wait")
def wait() -> Response:
    time.sleep(0.5)
    return jsonify(you_sent=request.json)


@app.post("/async-wait")
async def async_wait() -> Response:
    await asyncio.sleep(0.5)
    return jsonify(you_sent=request.json)

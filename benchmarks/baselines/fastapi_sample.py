"""The least that FastAPI needs for a greeting and an echo; it checks, limits and logs nothing."""

from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def root() -> dict[str, str]:
    return {"message": "Hello from FastAPI!"}


@app.post("/echo")
async def echo(data: dict[str, Any]) -> dict[str, Any]:
    return {"you_sent": data}

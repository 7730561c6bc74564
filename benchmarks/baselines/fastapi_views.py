"""An echo in FastAPI, at once and after half a second."""

import asyncio
from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.post("/echo")
async def echo(data: dict[str, Any]) -> dict[str, Any]:
    return {"you_sent": data}


@app.post("/wait")
async def wait(data: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(0.5)
    return {"you_sent": data}

"""Routes that do what their annotations say: a Pydantic model in, a Pydantic model out."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from flask import Flask, Response, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from werkzeug.exceptions import BadRequest

from backend.api.json_body import parse

View = Callable[..., BaseModel | Response]

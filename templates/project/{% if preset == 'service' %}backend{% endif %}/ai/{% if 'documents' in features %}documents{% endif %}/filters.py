"""Which files a search is about, by their attributes, as in OpenAI's API."""

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Value = bool | float | Annotated[str, Field(max_length=512)]
Attributes = Annotated[
    dict[Annotated[str, Field(max_length=64)], Value],
    Field(max_length=16),
]
COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda found, wanted: found in wanted,
    "nin": lambda found, wanted: found not in wanted,
}


class Comparison(BaseModel):
    key: str
    type: Literal["eq", "ne", "gt", "gte", "lt", "lte"]
    value: Value

    def matches(self, attributes: Mapping[str, Any]) -> bool:
        return compared(self.type, attributes.get(self.key), self.value)


class Membership(BaseModel):
    key: str
    type: Literal["in", "nin"]
    value: list[Value]

    def matches(self, attributes: Mapping[str, Any]) -> bool:
        return compared(self.type, attributes.get(self.key), self.value)


class Compound(BaseModel):
    type: Literal["and", "or"]
    filters: Annotated[list["Filter"], Field(min_length=1)]

    def matches(self, attributes: Mapping[str, Any]) -> bool:
        together = all if self.type == "and" else any
        return together(each.matches(attributes) for each in self.filters)


Filter = Annotated[Comparison | Membership | Compound, Field(discriminator="type")]


def compared(how: str, found: Any, wanted: Any) -> bool:
    """Compares what a file has; what it has not, or of another kind, is neither more nor less."""
    try:
        return bool(COMPARED[how](found, wanted))
    except TypeError:
        return False

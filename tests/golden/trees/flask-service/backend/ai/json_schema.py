"""Values that fit a JSON schema, for a model that only pretends."""

from typing import Any

LARGEST = 10_000  # parts of a value, where a letter of a text counts too
TEXTS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "someone@example.com",
    "time": "12:00:00Z",
    "uri": "https://example.com",
    "url": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: Any) -> Any:
    """Returns a small value that `schema` describes.

    What holds itself ends as soon as it may: with an array that is empty, a property that is
    left out, or another alternative.

    Raises:
        ValueError: it would never end, or be too large.
    """
    return Example(schema).value(schema)


class Example:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._size = 0

    def value(self, schema: Any, within: frozenset[str] = frozenset(), name: str = "text") -> Any:
        """Returns a value of a part of the schema.

        Args:
            within: the references that have led to this part.
            name: of the property that it is a value of.
        """
        self._grow(1)
        match schema:
            case {"$ref": str(reference)}:
                if reference in within:
                    raise ValueError("endless")
                return self.value(self._referred(reference), within | {reference}, name)
            case {"const": constant}:
                return constant
            case {"enum": [first, *_]}:
                return first
            case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
                return self._first(choices, within, name)
            case {"type": [*types]}:
                return self._first([{**schema, "type": kind} for kind in types], within, name)
            case {"type": "object"} | {"properties": dict()}:
                return self._object(schema, within)
            case {"type": "array"}:
                return self._array(schema, within, name)
            case {"type": "string"}:
                return self._text(schema, name)
            case {"type": "integer" | "number"}:
                return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            case {"type": "boolean"}:
                return False
        return None

    def _text(self, schema: dict[str, Any], name: str) -> str:
        shortest = schema.get("minLength", 0)
        known = TEXTS.get(schema.get("format", name), name.replace("_", " "))
        text = known[: schema.get("maxLength")]
        self._grow(max(len(text), shortest))
        return text.ljust(shortest, "x")

    def _first(self, choices: list[Any], within: frozenset[str], name: str) -> Any:
        for choice in choices:
            try:
                return self.value(choice, within, name)
            except ValueError:
                continue
        raise ValueError("endless")

    def _object(self, schema: dict[str, Any], within: frozenset[str]) -> dict[str, Any]:
        values = {}
        for name, part in schema.get("properties", {}).items():
            try:
                values[name] = self.value(part, within, name)
            except ValueError:
                if name in schema.get("required", ()):
                    raise
        return values

    def _array(self, schema: dict[str, Any], within: frozenset[str], name: str) -> list[Any]:
        fewest = schema.get("minItems", 0)
        try:
            return [self.value(schema.get("items"), within, name) for _ in range(max(1, fewest))]
        except ValueError:
            if fewest > 0:
                raise
            return []

    def _referred(self, reference: str) -> Any:
        part = self._root
        for name in reference.split("/")[1:]:
            part = part[name]
        return part

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > LARGEST:
            raise ValueError("too large")

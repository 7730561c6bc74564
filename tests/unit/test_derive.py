"""The sync twins that are derived from their async files, and the rules that make them."""

import derive
import pytest


@pytest.mark.parametrize("name", derive.DERIVED)
def test_a_twin_is_what_the_rules_make(name: str) -> None:
    source, derived = derive.twins(name)
    assert derived.read_text("utf-8") == derive.sync(source.read_text("utf-8"))


def test_a_twin_that_the_rules_make_is_listed() -> None:
    """So that nobody edits the one by hand, and forgets the other."""
    service = derive.TEMPLATES / "fastapi" / "service"
    names = [path.relative_to(service).as_posix() for path in service.rglob("backend/**/*.py")]
    made = [name for name in names if is_made(name)]
    assert sorted(made) == sorted(derive.DERIVED)


def is_made(name: str) -> bool:
    source, derived = derive.twins(name)
    return bool(derived.read_text("utf-8") == derive.sync(source.read_text("utf-8")))


@pytest.mark.parametrize(
    ("asynchronous", "synchronous"),
    [
        pytest.param("async def f() -> None:", "def f() -> None:", id="a function"),
        pytest.param("async with a, b(await c):", "with a, b(c):", id="a context"),
        pytest.param("[x async for x in await y]", "[x for x in y]", id="a comprehension"),
        pytest.param("AsyncIterator[str]", "Iterator[str]", id="a type"),
        pytest.param(
            "Callable[[A], Awaitable[dict[str, B]]]",
            "Callable[[A], dict[str, B]]",
            id="what is awaited",
        ),
        pytest.param(
            "from collections.abc import AsyncIterator, Awaitable, Callable, Iterator",
            "from collections.abc import Callable, Iterator",
            id="an import",
        ),
        pytest.param("await anext(aiter(x))", "next(iter(x))", id="by hand"),
        pytest.param("for x in y():\n    yield x\n", "yield from y()\n", id="one by one"),
        pytest.param("awaited = asynchronous", "awaited = asynchronous", id="other words"),
    ],
)
def test_the_rules(asynchronous: str, synchronous: str) -> None:
    assert derive.sync(asynchronous) == synchronous

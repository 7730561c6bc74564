"""Derives the sync twin of a template's file that only waits: `python scripts/derive.py`.

In the way of unasync: FastAPI's file is written, Flask's is what these rules make of it. A pair
that the rules do not make is written by hand, and not listed here.
"""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "templates"
DERIVED = (
    "backend/ai/agent.py",
    "backend/ai/conversations.py",
    "backend/ai/model.py",
    "backend/ai/turns.py",
    "backend/ai/documents/library.py",
    "backend/documents.py",
    "backend/features/answers.py",
    "backend/features/summaries.py",
    "backend/gateway/assistant.py",
    "backend/gateway/chats.py",
    "backend/gateway/mcp.py",
    "backend/gateway/remembering.py",
    "backend/gateway/service.py",
    "backend/peers.py",
    "backend/tools/documents.py",
    "backend/tools/feedback.py",
    "backend/tools/usage.py",
)
RULES = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"(?m)^import asyncio\n", ""),
    (r"\basyncio\.run\((.+)\)(?=\))", r"\1"),
    (r"\bAsync(Iterator|Generator|Iterable)\b", r"\1"),
    (r"\bAwaitable, ", ""),
    (r"\bIterator, Iterator\b", r"Iterator"),
    (r"\bAwaitable\[((?:[^][]|\[[^][]*\])*)\]", r"\1"),
    (r"\bAsync(BaseTransport|Client|OpenAI)\b", r"\1"),
    (r"\ba(iter|next|close)\(", r"\1("),
    (r"for (\w+) in (.+):\n +yield \1\n", r"yield from \2\n"),
)


def sync(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return re.sub("(?m)^(from collections.abc import )(.+)$", sorted_once, text)


def sorted_once(line: re.Match[str]) -> str:
    return line[1] + ", ".join(sorted(set(line[2].split(", "))))


def twins(name: str) -> tuple[Path, Path]:
    return TEMPLATES / "fastapi" / "service" / name, TEMPLATES / "flask" / "service" / name


def main() -> None:
    for source, derived in map(twins, DERIVED):
        derived.write_text(sync(source.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()

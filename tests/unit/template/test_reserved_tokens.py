"""Whatever a client sends, and however it is nested: the tokens that are reserved cover it."""

import json
import re
import runpy
from typing import Any

from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

SERVICE = REPOSITORY / "templates/project/{% if preset == 'service' %}backend{% endif %}"
most_tokens = runpy.run_path(str(SERVICE / "ai" / "tokens.py"))["most_tokens"]

TOKENS_PER_IMAGE = 1500
IMAGE = "data:image/png;base64,"
# Names and texts that mean something in some place, and may stand in any other.
LIMITS = ("max_tokens", "max_completion_tokens", "n")
TELLING = [
    "image_url",
    "url",
    "type",
    "text",
    "content",
    "messages",
    "input",
    "n",
    "max_tokens",
    IMAGE,
]
texts = st.sampled_from(TELLING) | st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3)
kinds = st.sampled_from(["text", "refusal", "video_url", "file", "input_audio"]) | texts
parts = st.builds(lambda fields, kind: {**fields, "type": kind}, objects, kinds).filter(
    lambda part: part["type"] != "image_url"
)
# Longer than what is reserved for an image, and most are none: by the type, or by the address.
disguised = st.builds(
    lambda kind, place: {"type": kind, "image_url": {"url": place + "A" * 9000}},
    st.sampled_from(["image_url", "text", "file"]),
    st.sampled_from(["https://x/", "data:text/plain,", f"{IMAGE}?", IMAGE]),
)
images = st.builds(
    lambda data, plain, beside: {
        "type": "image_url",
        "image_url": IMAGE + data if plain else {**beside, "url": IMAGE + data},
    },
    st.text("AZaz09+/", max_size=300),
    st.booleans(),
    objects,
)
messages = st.builds(
    lambda fields, content: {**fields, "role": "user", "content": content},
    objects,
    texts | st.lists(parts | images | disguised, max_size=3),
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 10**6),
        "max_completion_tokens": st.integers(1, 10**6),
        "n": st.integers(1, 128),
    },
)


def image_data(message: Any) -> list[str]:
    content = message["content"] if isinstance(message["content"], list) else []
    sent = [part["image_url"] for part in content if part["type"] == "image_url"]
    addresses = [each if isinstance(each, str) else each["url"] for each in sent]
    return [address for address in addresses if re.match(f"{IMAGE}[^?]*$", address)]


def size(body: Any) -> int:
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


@given(objects, st.lists(messages, max_size=3), limits)
def test_a_chat_is_covered(others: Any, said: list[Any], most: dict[str, int]) -> None:
    others = {name: value for name, value in others.items() if name not in {"input", *LIMITS}}
    body = {**others, "messages": said, **most}
    shown = [data for message in said for data in image_data(message)]
    read = (size(body) - sum(map(len, shown))) / 4 + TOKENS_PER_IMAGE * len(shown)
    answered = max(most.get("max_tokens", 0), most.get("max_completion_tokens", 0))
    assert most_tokens(body) >= read + answered * most.get("n", 1)


@given(texts | st.lists(texts) | st.lists(st.integers(0, 10**6)), objects)
def test_what_is_embedded_is_covered(sent: Any, others: Any) -> None:
    others = {name: value for name, value in others.items() if name not in {"messages", *LIMITS}}
    body = {**others, "input": sent}
    tokens = len(sent) if sent and not isinstance(sent[0], str) else 0
    assert most_tokens(body) >= max(size(body) / 4, tokens)

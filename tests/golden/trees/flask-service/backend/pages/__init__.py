"""The chat page, for whom it is, and what a browser lets it do."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

CHAT = Path(__file__).with_name("chat.html").read_text("utf-8")


def digest(tag: str) -> str:
    """Returns what a policy calls the page's script, or its style."""
    [text] = re.findall(f"<{tag}>(.*?)</{tag}>", CHAT, re.DOTALL)
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def wants_page(accept: str) -> bool:
    """Whether a request asks for HTML by its name, and would not rather have JSON."""
    named: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        weights = [word.removeprefix("q=") for word in parameters if word.startswith("q=")]
        weight = weights[0] if weights else "1"
        named[kind] = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 0
    ranges = ("application/json", "application/*", "*/*")
    json = next((named[name] for name in ranges if name in named), 0)
    html = named.get("text/html", 0)
    return html > 0 and html >= json

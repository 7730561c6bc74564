"""What the comparison says of these projects: no weight may contradict it."""

import re
import shlex
from pathlib import Path

import pytest

from genai_scaffold.recommendation.criteria import NeedAnswer, load_criteria
from genai_scaffold.recommendation.scoring import recommend


@pytest.mark.parametrize(
    ("said", "framework"),
    [
        # For GenAI backend, FastAPI is recommended.
        pytest.param({}, "fastapi", id="nothing-but-a-genai-backend"),
        # For simple, classic web apps ... Flask is still great.
        pytest.param({"app": "web", "scale": "prototype"}, "flask", id="simple-classic-web-app"),
        # If you want a simple, classic web app ... Flask is fine.
        pytest.param({"app": "web"}, "flask", id="classic-web-app"),
        # You need a huge ecosystem of extensions.
        pytest.param({"extensions": True}, "flask", id="needs-the-extensions"),
        # You want simplicity and a minimal learning curve, a small app or prototype.
        pytest.param({"team": "learning", "scale": "prototype"}, "flask", id="simple-and-small"),
        # You don't need async or automatic docs.
        pytest.param({"async": "none", "docs": False}, "flask", id="neither-async-nor-docs"),
        # Already comfortable with Flask, Flask is fine for small projects.
        pytest.param({"team": "flask", "scale": "prototype"}, "flask", id="flask-people-small-app"),
        # For new API projects, FastAPI is generally better.
        pytest.param({"team": "flask", "app": "api", "scale": "service"}, "fastapi", id="new-api"),
        # For AI/ML APIs FastAPI is the better choice: async calls, docs, and typed payloads.
        pytest.param(
            {"team": "flask", "async": "high", "docs": True, "validation": True},
            "fastapi",
            id="an-ai-api-by-flask-people",
        ),
        # You plan to scale or build a microservices architecture, and want high performance.
        pytest.param(
            {"scale": "microservices", "async": "high", "team": "learning"},
            "fastapi",
            id="services-under-load-by-learners",
        ),
        # Automatic docs for frontend/backend collaboration, and validation for complex payloads.
        pytest.param(
            {"docs": True, "validation": True, "scale": "prototype"},
            "fastapi",
            id="first-version-for-a-frontend-team",
        ),
        # FastAPI is ASGI only, not for servers that run WSGI alone.
        pytest.param(
            {"hosting": "wsgi", "async": "high", "docs": True, "validation": True},
            "flask",
            id="wsgi-host-whatever-else",
        ),
    ],
)
def test_what_the_comparison_says_is_recommended(
    said: dict[str, NeedAnswer], framework: str
) -> None:
    assert recommend(said).framework == framework


PAGE = Path(__file__).parents[3] / "docs" / "choose.md"
PROFILES = re.findall(
    r"^\| (.+) \| (?:`(.*)`)? ?\| (FastAPI|Flask), (.+?) \| (.*)\|$",
    PAGE.read_text("utf-8"),
    re.MULTILINE,
)
ADDED = re.compile(r"(FastAPI|Flask) (2 . )?\(?(\d+(?: \+ \d+)*)")


def said_by(flags: str) -> dict[str, NeedAnswer]:
    """What these flags say."""
    words = shlex.split(flags)
    said: dict[str, NeedAnswer] = {}
    for flag, following in zip(words, [*words[1:], ""], strict=False):
        name = flag.removeprefix("--").removeprefix("no-")
        if flag.startswith("--"):
            boolean = load_criteria().need(name).kind == "boolean"
            said[name] = "--no-" not in flag if boolean else following
    return said


@pytest.mark.parametrize(("project", "flags", "label", "sums", "worked"), PROFILES)
def test_the_page_tells_the_verdict_of_each_project(
    project: str, flags: str, label: str, sums: str, worked: str
) -> None:
    assert project
    verdict = recommend(said_by(flags))
    assert verdict.framework == label.lower()
    first, second = sorted(verdict.scores.values(), reverse=True)
    close = ", a close call" if verdict.call == "close" else ""
    assert sums == ("decided" if verdict.decisive else f"{first} to {second}{close}")
    added = dict.fromkeys(verdict.scores, 0)
    for framework, said, points in ADDED.findall(worked):
        added[framework.lower()] += (2 if said else 1) * sum(map(int, points.split(" + ")))
    assert verdict.decisive or added == verdict.scores


def test_the_page_has_ten_projects() -> None:
    assert len(PROFILES) == len({flags for _, flags, *_ in PROFILES}) == 10

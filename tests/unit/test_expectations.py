"""What the comparison says of ten projects: no weight may contradict it."""

import pytest

from genai_scaffold.criteria import Answer
from genai_scaffold.recommend import recommend


@pytest.mark.parametrize(
    ("said", "framework"),
    [
        # For GenAI backend, FastAPI is recommended.
        pytest.param({}, "fastapi", id="nothing-but-a-genai-backend"),
        # For simple, classic web apps ... Flask is still great.
        pytest.param({"app": "web", "scale": "prototype"}, "flask", id="simple-classic-web-app"),
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
def test_what_the_comparison_says_is_recommended(said: dict[str, Answer], framework: str) -> None:
    assert recommend(said).framework == framework

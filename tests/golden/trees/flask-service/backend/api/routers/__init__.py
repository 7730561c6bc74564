"""The routers of your features. The template leaves this file to you.

Import each module, and add its router: `from backend.api.routers import summaries`, and
`FEATURES = [summaries.router]`.
"""

from typing import Any

FEATURES: list[Any] = []

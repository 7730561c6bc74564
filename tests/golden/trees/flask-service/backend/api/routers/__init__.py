"""The routers of your features. The template leaves this file to you."""

from backend.api.routers import summaries

FEATURES = [summaries.router]

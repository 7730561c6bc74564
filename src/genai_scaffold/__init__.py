"""Recommends a web framework for a GenAI backend and generates one that runs."""

__version__ = "0.2.0.dev0"

"""Recommends a web framework for a GenAI backend and generates one that runs."""

__version__ = "0.1.0"

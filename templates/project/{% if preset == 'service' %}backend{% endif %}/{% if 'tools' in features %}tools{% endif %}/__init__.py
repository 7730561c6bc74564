"""The tools that the model may call. The template leaves this file to you."""

from backend.ai.tools import Tool
from backend.tools.feedback import send_feedback
from backend.tools.usage import show_usage

TOOLS = [
    Tool(show_usage),
    Tool(send_feedback, writes=True),
]

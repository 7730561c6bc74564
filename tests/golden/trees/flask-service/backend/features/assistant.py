"""What the assistant of the chat page is told first. The template leaves this file to you."""

SYSTEM = ""

"""Starts the command line; Ctrl-C is obeyed from here on, though loading it takes a moment."""

from typing import NoReturn

from genai_scaffold import signals


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    signals.obey()
    from genai_scaffold.cli import main

    main()


if __name__ == "__main__":
    run()

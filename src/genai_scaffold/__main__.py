"""Starts the command line; Ctrl-C is obeyed from here on, though loading it takes a moment."""

import atexit
import gc
from typing import NoReturn

from genai_scaffold.system.signals import obey_signals


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    obey_signals()
    # The system takes all memory back at once: nothing of it is worth the collector's last look.
    atexit.register(gc.freeze)
    from genai_scaffold.cli.exits import main

    main()


if __name__ == "__main__":
    run()

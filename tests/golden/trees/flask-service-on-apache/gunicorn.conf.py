"""Read by `gunicorn app:app` when it starts in this folder."""

import os
import sys
from typing import Any

worker_class = "gthread"  # a waiting request holds a thread: this many can wait at once
threads = 64
timeout = 120  # seconds until a worker that answers nothing at all is replaced
graceful_timeout = 25  # seconds that running streams get after SIGTERM
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Lets backend/settings.py see how many workers there are, also where a flag said so."""
    if server.cfg.workers == 0:  # there would be none who could refuse
        sys.exit("settings: WEB_CONCURRENCY or --workers: takes 1 or more")
    os.environ["WEB_CONCURRENCY"] = str(server.cfg.workers)

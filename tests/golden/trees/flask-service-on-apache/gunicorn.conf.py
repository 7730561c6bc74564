"""Read by `gunicorn app:app` when it starts in this folder."""

import os
import sys
import time
from http import HTTPStatus
from threading import Thread
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http.message import Request  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Refuses connections after SIGTERM, where gunicorn's own would let them wait in vain."""

    def set_accept_enabled(self, enabled: bool | None) -> None:
        super().set_accept_enabled(enabled)
        if not (enabled or self.alive):
            for listener in self.sockets:
                connected = -1
                while connected != self.nr_conns < self.worker_connections:
                    connected = self.nr_conns
                    self.accept(listener)  # who was here before is served
                listener.close()


worker_class = ThreadWorker  # a waiting request holds a thread: this many can wait at once
threads = 64


class BoundedRequest(Request):  # type: ignore[misc]
    """Holds 64 kB of headers, where gunicorn's own would hold as many as each may be long."""

    def parse(self, unreader: Any) -> Any:
        self.max_buffer_headers = 65_536
        return super().parse(unreader)


def write_error(client: Any, status: int, reason: str, message: str) -> None:
    """Answers what gunicorn itself refuses as the service answers all else."""
    from backend.api.responses import from_status  # once the worker has patched what waits

    if status == HTTPStatus.NOT_IMPLEMENTED:  # how a body is sent, which the client may mend
        status, reason = 400, "Bad Request"
    body = from_status(status, message or reason).body.encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode() + body)


RequestParser.mesg_class = BoundedRequest
util.write_error = write_error
limit_request_line = 8190
limit_request_fields = 1000
limit_request_field_size = 65_536
timeout = 120  # seconds until a worker that answers nothing at all is replaced
graceful_timeout = 25  # seconds that running streams get after SIGTERM
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Lets backend/settings.py see how many workers there are, also where a flag said so."""
    if server.cfg.workers == 0:  # there would be none who could refuse
        sys.exit("settings: WEB_CONCURRENCY or --workers: takes 1 or more")
    os.environ["WEB_CONCURRENCY"] = str(server.cfg.workers)


def post_worker_init(worker: Any) -> None:
    """Lets streams end with an error, 2 to 3 seconds before `graceful_timeout` would cut them."""
    from backend.api.streaming import end_streams  # once the worker has patched what waits

    def end_in_time() -> None:
        while worker.alive:
            time.sleep(1)
        time.sleep(max(0, worker.cfg.graceful_timeout - 3))
        end_streams()

    Thread(target=end_in_time, daemon=True).start()

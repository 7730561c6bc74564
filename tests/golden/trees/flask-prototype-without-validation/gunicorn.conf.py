"""Read by `gunicorn app:app` when it starts in this folder."""

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
threads = 128
timeout = 120  # seconds until a worker that answers nothing at all is replaced
graceful_timeout = 25  # seconds that running streams get after SIGTERM
control_socket_disable = True

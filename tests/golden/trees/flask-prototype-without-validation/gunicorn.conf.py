"""Read by `gunicorn app:app` when it starts in this folder."""

worker_class = "gthread"  # a waiting request holds a thread: this many can wait at once
threads = 128
timeout = 120  # seconds until a worker that answers nothing at all is replaced
graceful_timeout = 25  # seconds that running streams get after SIGTERM
control_socket_disable = True

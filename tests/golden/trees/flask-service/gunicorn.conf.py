"""Read by `gunicorn app:app` when it starts in this folder."""

worker_class = "gevent"  # a waiting request costs a greenlet, so that many can wait at once
worker_connections = 1000
timeout = 120  # seconds until a worker that answers nothing at all is replaced
graceful_timeout = 25  # seconds that running streams get after SIGTERM
control_socket_disable = True

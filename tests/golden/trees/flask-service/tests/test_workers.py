"""Requests that start a process, as a worker of gunicorn.conf.py serves them."""

import subprocess
import sys
from pathlib import Path

CONFIGURATION = Path(__file__).parents[1] / "gunicorn.conf.py"
AT_ONCE = 8
WORKER = f"""
import os, pathlib, runpy, subprocess, sys

runpy.run_path(sys.argv[1])  # as gunicorn does, before anything else

from gevent import joinall, monkey, spawn

monkey.patch_all()

from concurrent.futures import ThreadPoolExecutor

handled = pathlib.Path("handled")

def wait_for_a_thread():
    if handled.stat().st_size > 400:
        os._exit(1)  # else there would be ever more processes
    ThreadPoolExecutor(1).submit(int).result()

os.register_at_fork(after_in_child=wait_for_a_thread)  # as OpenTelemetry does

def handle():
    with handled.open("a") as file:
        file.write(f"{{os.getpid()}}\\n")
    subprocess.run(["true"])

joinall([spawn(handle) for _ in range({AT_ONCE})])
print(os.getpid())
"""


def test_a_process_that_a_request_starts_handles_no_other_request() -> None:
    worker = subprocess.run(  # noqa: S603
        [sys.executable, "-c", WORKER, CONFIGURATION],
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    )
    assert Path("handled").read_text().split() == [worker.stdout.strip()] * AT_ONCE

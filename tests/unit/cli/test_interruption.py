"""A run that is stopped at any moment leaves a whole project, or nothing."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, runs

from genai_scaffold.system import process
from genai_scaffold.system.signals import (
    AGAIN,
    ENDING,
    Stopped,
    obey_signals,
    signals_ignored,
    signals_repeated,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

# Says when signals are obeyed: before, in the interpreter's own start, no program can answer them.
PROGRAM = """
from genai_scaffold.cli import exits
obey = exits.obey_signals
exits.obey_signals = lambda: (obey(), print("obeyed", flush=True))
exits.main()
"""
MOMENTS = 8


def started(directory: Path) -> subprocess.Popen[bytes]:
    """Returns a run that obeys signals from now on."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "new", "deep/bot", "--yes", "--quiet"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(directory.parent / "tmp")},
    )
    assert process.stdout
    assert process.stdout.readline() == b"obeyed\n"
    return process


@pytest.fixture(scope="module")
def duration(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that an undisturbed run takes on this machine, once it obeys signals."""
    directory = tmp_path_factory.mktemp("undisturbed") / "work"
    directory.mkdir()
    (directory.parent / "tmp").mkdir()
    process = started(directory)
    begin = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == 0
    return time.monotonic() - begin


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_leaves_all_or_nothing(
    number: int, duration: float, tmp_path: Path
) -> None:
    codes = set()
    moments = random.Random(number)  # noqa: S311 - repeatable, not secret
    for attempt in range(MOMENTS):
        directory = tmp_path / str(attempt) / "work"
        directory.mkdir(parents=True)
        temporary = directory.parent / "tmp"
        temporary.mkdir()
        process = started(directory)
        time.sleep(duration * moments.uniform(0, 0.95))
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        codes.add(process.returncode)
        assert b"Traceback" not in errors
        if process.returncode == 0:
            duration *= 0.85  # too late: the machine was busier when the time was taken
            assert (directory / "deep/bot/.git").is_dir()
            assert [path.name for path in (directory / "deep").iterdir()] == ["bot"]
        else:
            # After our handlers, the system's own stand: to a shell it is the same.
            assert process.returncode in (128 + number, -number)
            whole = (directory / "deep/bot/.copier-answers.yml").exists()
            assert whole or list(directory.iterdir()) == []
        assert list(temporary.iterdir()) == []
    assert codes - {0}, "no run was ever stopped: the moments are too late"


def test_a_signal_stops_us_also_where_python_may_not_raise(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched: ...

    def work(*_: object, **__: object) -> int:
        watched = Watched()
        # As importlib does with the lock of each module: what it raises, is printed and lost.
        callback = weakref.ref(watched, lambda _: signal.raise_signal(signal.SIGTERM))
        del watched
        assert callback() is None
        time.sleep(10)
        return 0

    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr("genai_scaffold.cli.exits.app", work)
    ended = run("new")
    assert (ended.code, ended.output) == (143, "")
    assert ended.errors == "Stopped: nothing was written.\n"


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each signal raise what the command line does."""
    handlers = {number: signal.getsignal(number) for number in ENDING}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)  # whatever the tests' own parent has had ignored
    obey_signals()
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("raising")
@pytest.mark.parametrize("number", ENDING)
def test_a_program_that_was_just_started_does_not_outlive_us(
    number: signal.Signals, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            if arguments[0][0] == "sleep":
                programs.append(self)
                signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(Stopped) as stop:
        process.run_program(["sleep", "30"], directory=work)
    assert stop.value.exit_code == 128 + number
    assert [program.returncode for program in programs] == [-signal.SIGKILL]
    with pytest.raises(Stopped):
        signal.raise_signal(number)


@pytest.mark.usefixtures("raising")
@pytest.mark.parametrize("own_session", [False, True], ids=["", "of a session of its own"])
@pytest.mark.parametrize("stop", [None, signal.SIGTERM], ids=["late", "terminated"])
def test_what_a_program_has_started_does_not_outlive_it(
    stop: signal.Signals | None, own_session: bool, work: Path
) -> None:
    parent = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
        f"start_new_session={own_session})\n"
        "open('pid', 'w').write(f'{child.pid}\\n')\n"
        "time.sleep(60)\n"
    )

    def wait_for_it() -> int:
        while not (work / "pid").exists() or not (text := (work / "pid").read_text()):
            time.sleep(0.02)
        if stop:
            os.kill(os.getpid(), stop)
        return int(text)

    waiting = threading.Thread(target=wait_for_it)
    waiting.start()
    command = [sys.executable, "-c", parent]
    if stop:
        with pytest.raises(Stopped):
            process.run_program(command, directory=work)
    else:
        assert process.run_program(command, directory=work, timeout=3).code == process.TIMED_OUT
    waiting.join()
    pid, deadline = int((work / "pid").read_text()), time.monotonic() + 5
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)  # it was asked to end, and does so in its own time
    assert not runs(pid)


@pytest.mark.usefixtures("raising")
def test_what_may_not_be_cut_goes_on_and_so_do_the_programs_that_it_runs() -> None:
    interrupt = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    with signals_ignored():
        signal.raise_signal(signal.SIGTERM)
        # Ctrl-C at a terminal is meant for all of its programs.
        assert process.run_program([sys.executable, "-c", interrupt]).code == 0
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("raising")
def test_a_signal_that_was_swallowed_comes_again() -> None:
    def swallow() -> None:
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)
        time.sleep(30)

    with pytest.raises(Stopped), signals_repeated():
        swallow()


@pytest.mark.usefixtures("raising")
def test_a_signal_that_was_obeyed_comes_once() -> None:
    with pytest.raises(Stopped), signals_repeated():
        signal.raise_signal(signal.SIGTERM)
    time.sleep(2 * AGAIN)

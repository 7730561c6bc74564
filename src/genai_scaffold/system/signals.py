"""Signals that ask us to stop: obeyed at once, or where that would leave a mess, a little later."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

ENDING = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
)
SIGNALLED = 128  # what a shell adds to the number of a signal, for an exit code
SOON = 0.01  # seconds
AGAIN = 0.5  # seconds, in which prompts leave the terminal as it was


class Stopped(SystemExit):
    """A signal asks us to stop.

    A SystemExit, since asyncio, which runs the prompts, swallows most other exceptions.
    """

    def __init__(self, number: int) -> None:
        super().__init__(SIGNALLED + number)
        self.number = number
        self.exit_code = SIGNALLED + number


def obey_signals() -> None:
    """Let each signal raise Stopped, wherever the program is."""
    for number in ENDING:
        # A parent such as nohup has had it ignored: so do we.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _stop_again


@contextlib.contextmanager
def signals_ignored() -> Iterator[None]:
    """Let a short piece of work finish although the user, or the system, wants to stop."""
    with _handled(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def signals_postponed() -> Iterator[None]:
    """Let a moment pass in which a signal would leave behind what nobody knows of; then obey."""
    received: list[int] = []
    try:
        with _handled(lambda number, _: received.append(number)):
            yield
    finally:
        for number in received[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def signals_repeated() -> Iterator[None]:
    """Let a signal come again for as long as this lasts: prompt_toolkit may swallow the first."""
    repeated: list[threading.Timer] = []

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        repeated.append(threading.Timer(AGAIN, os.kill, (os.getpid(), number)))
        repeated[-1].start()
        raise Stopped(number)

    try:
        with _handled(stop):
            yield
    finally:
        for timer in repeated:
            timer.cancel()


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    former = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                # What is ignored stays so: the programs that we start are to ignore it, too.
                if signal.getsignal(number) != signal.SIG_IGN:
                    former[number] = signal.signal(number, handler)
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def _stop_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Stop all the same, where the signal came while Python ran what may not raise."""
    match unraisable.exc_value:
        case Stopped() as stop:
            threading.Timer(SOON, os.kill, (os.getpid(), stop.number)).start()
        case _:
            sys.__unraisablehook__(unraisable)

"""How much each client has used, in windows of time that begin with its first use."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

MOST_CLIENTS = 50_000  # remembered at once: for one more, the longest known is forgotten

# For Redis, which runs each as one step. A window has a name, so that what was taken in one is
# never settled in the next, nor in the one that began after all was lost.
TAKE = """
local window, used = unpack(redis.call('HMGET', KEYS[1], 'window', 'used'))
local milliseconds = redis.call('PTTL', KEYS[1])
local amount, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local fresh = milliseconds < 0
if fresh then
    window, used, milliseconds = ARGV[4], 0, tonumber(ARGV[3])
end
if used + amount > most then
    return {0, window, milliseconds}
end
redis.call('HSET', KEYS[1], 'window', window, 'used', string.format('%.0f', used + amount))
if fresh then
    redis.call('PEXPIRE', KEYS[1], milliseconds)
end
return {1, window, milliseconds}
"""
SETTLE = """
local window, used = unpack(redis.call('HMGET', KEYS[1], 'window', 'used'))
if window == ARGV[1] then
    local left = math.max(0, used + tonumber(ARGV[2]))
    redis.call('HSET', KEYS[1], 'used', string.format('%.0f', left))
end
"""


class Window:
    __slots__ = ("ends", "used")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.used = 0


class Taking(NamedTuple):
    """What became of a client's wish to use something.

    Args:
        allowed: the limit holds it, and it is counted.
        window: where it is counted: an object in memory, a name in Redis.
        seconds: how long until the next window may begin.
    """

    client: str
    allowed: bool
    window: Any
    seconds: float


class MemoryCounter:
    """Counts in this process, for several threads.

    Args:
        most: how much a client may use in a window.
        seconds: how long a window is.
        clock: tells the seconds.
    """

    def __init__(
        self, most: int, seconds: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, client: str, amount: int) -> Taking:
        now = self._clock()
        with self._lock:
            window = self._windows.get(client)
            if window is None or window.ends <= now:
                self._windows[client] = window = Window(now + self._seconds)
                self._windows.move_to_end(client)
                self._forget(now)
            allowed = window.used + amount <= self._most
            if allowed:
                window.used += amount
        return Taking(client, allowed, window, window.ends - now)

    def settle(self, taking: Taking, change: int) -> None:
        """Adds to what was taken, in the window that it was taken in."""
        window: Window = taking.window
        with self._lock:
            window.used = max(0, window.used + change)

    def _forget(self, now: float) -> None:
        # Two for each that is new: fewer every time, and no call pays for all of them.
        for _ in range(2):
            oldest = next(iter(self._windows.values()))
            if oldest.ends <= now or len(self._windows) > MOST_CLIENTS:
                self._windows.popitem(last=False)

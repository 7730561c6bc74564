"""How much each client has used, in windows of time that begin with its first use."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
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
    if tonumber(ARGV[4]) > 0 then
        redis.call('HINCRBY', KEYS[1], 'by ' .. ARGV[3], ARGV[4])
    end
end
"""
LOOK = "return {redis.call('PTTL', KEYS[1]), redis.call('HGETALL', KEYS[1])}"


class Window:
    __slots__ = ("by_operation", "ends", "used")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.used = 0
        self.by_operation: dict[str, int] = {}


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


class Spent(NamedTuple):
    """What a client has used of a limit.

    Args:
        seconds: how long until the next window may begin; None where there is no window.
    """

    limit: int
    used: int = 0
    seconds: float | None = None
    by_operation: Mapping[str, int] = MappingProxyType({})

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def resets_at(self) -> int | None:
        return None if self.seconds is None else math.ceil(time.time() + self.seconds)


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

    def settle(self, taking: Taking, change: int, operation: str, used: int) -> None:
        """Adds to what was taken, in the window that it was taken in.

        Args:
            used: what was used in all, and for which operation.
        """
        window: Window = taking.window
        with self._lock:
            window.used = max(0, window.used + change)
            if used:
                window.by_operation[operation] = window.by_operation.get(operation, 0) + used

    def look(self, client: str) -> Spent:
        """Returns what a client has used, and begins no window."""
        now = self._clock()
        with self._lock:
            window = self._windows.get(client)
            if window is None or window.ends <= now:
                return Spent(self._most)
            return Spent(self._most, window.used, window.ends - now, dict(window.by_operation))

    def _forget(self, now: float) -> None:
        # Two for each that is new: fewer every time, and no call pays for all of them.
        for _ in range(2):
            oldest = next(iter(self._windows.values()))
            if oldest.ends <= now or len(self._windows) > MOST_CLIENTS:
                self._windows.popitem(last=False)


def seen(most: int, milliseconds: int, found: Sequence[bytes]) -> Spent:
    """Returns what Redis has of a client: names and values, one after the other."""
    if milliseconds < 0:
        return Spent(most)
    fields = dict(zip(map(bytes.decode, found[::2]), map(bytes.decode, found[1::2]), strict=True))
    operations = {
        name.removeprefix("by "): int(used)
        for name, used in fields.items()
        if name.startswith("by ")
    }
    return Spent(most, int(fields["used"]), milliseconds / 1000, operations)

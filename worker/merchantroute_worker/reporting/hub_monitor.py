"""Whether code holds up the hub: everything of a gevent pod waits while one greenlet neither waits nor ends.

Two look. On the hub a timer notes how late it is, which says how long nothing else ran, whatever the cause: a call in C
that keeps the interpreter, `time.sleep` from before the patching, a loop that computes. Beside it a native thread looks
while it happens, since the hub may never turn again, and writes a line with the stack of the hub's thread. Code that
keeps the interpreter lets go of it at its first line of Python after, and is seen there.

gevent's own monitor traces every switch of greenlets, and only prints. Here nothing is done per switch or per order.
"""

import logging
import sys
import time
import traceback
from dataclasses import dataclass
from types import FrameType
from typing import Any

from merchantroute_worker.pod import Pod
from merchantroute_worker.telemetry.logs import write_without_locks

log = logging.getLogger(__name__)
TICKS_PER_THRESHOLD = 2
"""Looks within the time from which the hub counts as held up: what is measured is too short by one look at most."""
LOG_INTERVAL = 60.0
MAX_FRAMES = 30


@dataclass
class BlockDetector:
    """When the hub last turned, and how late it may be; times are monotonic seconds."""

    threshold: float
    last_tick: float

    @property
    def interval(self) -> float:
        """Seconds between two turns that are noted."""
        return self.threshold / TICKS_PER_THRESHOLD

    def tick(self, now: float) -> float | None:
        """The hub turns: for how many seconds it was held up, if it was."""
        late, self.last_tick = now - self.last_tick - self.interval, now
        return late if late >= self.threshold else None

    def blocked_for(self, now: float) -> float | None:
        """For how many seconds the hub has not turned, if that is too long."""
        late = now - self.last_tick - self.interval
        return late if late >= self.threshold else None


class LogLimiter:
    """Which standstill gets a line: each once, and one a minute."""

    def __init__(self) -> None:
        self._last_logged: float | None = None
        self._logged_at = float("-inf")

    def allows(self, began: float, now: float) -> bool:
        """Whether the standstill that `began` then is to be told now."""
        if began == self._last_logged or now - self._logged_at < LOG_INTERVAL:
            return False
        self._last_logged, self._logged_at = began, now
        return True


def start_monitor(pod: Pod) -> None:
    """Watch the hub of this thread, once per process. Without effect where the setting is 0."""
    from gevent import get_hub
    from gevent.monkey import get_original

    threshold = pod.identity.blocked_after
    if pod.hub_timers or not threshold:
        return
    hub, detector, limiter = get_hub(), BlockDetector(threshold, time.monotonic()), LogLimiter()

    def tick() -> None:
        now = time.monotonic()
        seconds = detector.tick(now)
        if seconds is not None:
            pod.hub_was_blocked(seconds, now)

    def poll() -> None:
        # Patched, it would wait for the hub.
        native_sleep = get_original("time", "sleep")
        while True:
            native_sleep(detector.interval)
            now, began = time.monotonic(), detector.last_tick
            seconds = detector.blocked_for(now)
            if seconds is not None and limiter.allows(began, now):
                _log_stack(seconds, sys._current_frames().get(hub.thread_ident))  # noqa: SLF001 - Python's only way to a stack

    timer = hub.loop.timer(detector.interval, repeat=detector.interval, ref=False)
    timer.start(tick)
    pod.hub_timers.append(timer)
    get_original("_thread", "start_new_thread")(poll, ())


def _log_stack(seconds: float, frame: FrameType | None) -> None:
    stack = "".join(traceback.format_stack(frame, limit=-MAX_FRAMES)) if frame else ""
    data: dict[str, Any] = {"event": "hub.blocked", "seconds": round(seconds, 3), "stack": stack}
    write_without_locks(log, logging.WARNING, "code blocks the hub: nothing else in this pod runs", data)

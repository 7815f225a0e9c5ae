"""Detects code that blocks gevent's hub: while one greenlet neither waits nor ends, nothing else in the pod runs.

There are two observers. On the hub a timer measures how late it fires, which is how long nothing else ran, whatever the
cause: a call in C that keeps the GIL, `time.sleep` from before the patching, a loop that computes. Meanwhile a native
thread polls, since a blocked hub may never run again, and logs the stack of the hub's thread. Code that keeps the GIL
releases it at its next line of Python, and is seen there.

gevent's own monitor traces every switch of greenlets, and only prints. This one costs nothing per switch or per order.
"""

import logging
import sys
import time
import traceback
from dataclasses import dataclass
from types import FrameType
from typing import Any

from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.threads import until_beat
from merchantroute_worker.telemetry.logs import write_without_locks

log = logging.getLogger(__name__)
TICKS_PER_THRESHOLD = 2
"""Timer ticks within the threshold: a block is measured too short by one interval at most."""
LOG_INTERVAL = 60.0
MAX_FRAMES = 30


@dataclass
class BlockDetector:
    """Computes from timer ticks how long the hub was blocked; times are monotonic seconds, `threshold` the shortest
    block that counts.
    """

    threshold: float
    last_tick: float

    @property
    def interval(self) -> float:
        """Seconds between two ticks."""
        return self.threshold / TICKS_PER_THRESHOLD

    def tick(self, now: float) -> float | None:
        """Record a tick on the hub; returns the seconds that the hub was blocked before it, if that is a block."""
        late, self.last_tick = now - self.last_tick - self.interval, now
        return late if late >= self.threshold else None

    def blocked_for(self, now: float) -> float | None:
        """The seconds since the hub should have ticked, if that is a block. For a thread that polls."""
        late = now - self.last_tick - self.interval
        return late if late >= self.threshold else None


class LogLimiter:
    """Limits the log lines: one for each block, and one a minute."""

    def __init__(self) -> None:
        self._last_logged: float | None = None
        self._logged_at = float("-inf")

    def allows(self, began: float, now: float) -> bool:
        """Whether the block that `began` then may be logged now."""
        if began == self._last_logged or now - self._logged_at < LOG_INTERVAL:
            return False
        self._last_logged, self._logged_at = began, now
        return True


def start_monitor(pod: Pod) -> None:
    """Monitor the hub of this thread, once per process. No effect if the setting is 0."""
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
        # The unpatched sleep: the patched one would wait for the hub.
        native_sleep = get_original("time", "sleep")
        while True:
            native_sleep(detector.interval)
            now, began = time.monotonic(), detector.last_tick
            seconds = detector.blocked_for(now)
            if seconds is not None and limiter.allows(began, now):
                _log_stack(seconds, sys._current_frames().get(hub.thread_ident))  # noqa: SLF001 - Python's only way to a stack

    timer = hub.loop.timer(until_beat(detector.interval), repeat=detector.interval, ref=False)
    timer.start(tick)
    pod.hub_timers.append(timer)
    get_original("_thread", "start_new_thread")(poll, ())


def _log_stack(seconds: float, frame: FrameType | None) -> None:
    stack = "".join(traceback.format_stack(frame, limit=-MAX_FRAMES)) if frame else ""
    data: dict[str, Any] = {"event": "hub.blocked", "seconds": round(seconds, 3), "stack": stack}
    write_without_locks(log, logging.WARNING, "code blocks the hub: nothing else in this pod runs", data)

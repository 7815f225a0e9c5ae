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
from merchantroute_worker.telemetry.logs import write_past_locks

log = logging.getLogger(__name__)
LOOKS = 2
"""Looks within the time from which the hub counts as held up: what is measured is too short by one look at most."""
LINE_EVERY = 60.0
MOST_FRAMES = 30


@dataclass
class Lateness:
    """When the hub last turned, and how late it may be; times are monotonic seconds."""

    after: float
    turned: float

    @property
    def every(self) -> float:
        """Seconds between two turns that are noted."""
        return self.after / LOOKS

    def turn(self, now: float) -> float | None:
        """The hub turns: for how many seconds it was held up, if it was."""
        late, self.turned = now - self.turned - self.every, now
        return late if late >= self.after else None

    def standing(self, now: float) -> float | None:
        """For how many seconds the hub has not turned, if that is too long."""
        late = now - self.turned - self.every
        return late if late >= self.after else None


class Teller:
    """Which standstill gets a line: each once, and one a minute."""

    def __init__(self) -> None:
        self._told: float | None = None
        self._line_at = float("-inf")

    def tells(self, began: float, now: float) -> bool:
        """Whether the standstill that `began` then is to be told now."""
        if began == self._told or now - self._line_at < LINE_EVERY:
            return False
        self._told, self._line_at = began, now
        return True


def watch(pod: Pod) -> None:
    """Watch the hub of this thread, once per process. Without effect where the setting is 0."""
    from gevent import get_hub
    from gevent.monkey import get_original

    after = pod.identity.blocked_after
    if pod.watched or not after:
        return
    hub, lateness, teller = get_hub(), Lateness(after, time.monotonic()), Teller()

    def turn() -> None:
        now = time.monotonic()
        seconds = lateness.turn(now)
        if seconds is not None:
            pod.hub_was_blocked(seconds, now)

    def look() -> None:
        # Patched, it would wait for the hub.
        pause = get_original("time", "sleep")
        while True:
            pause(lateness.every)
            now, began = time.monotonic(), lateness.turned
            seconds = lateness.standing(now)
            if seconds is not None and teller.tells(began, now):
                _tell(seconds, sys._current_frames().get(hub.thread_ident))  # noqa: SLF001 - Python's only way to a stack

    timer = hub.loop.timer(lateness.every, repeat=lateness.every, ref=False)
    timer.start(turn)
    pod.watched.append(timer)
    get_original("_thread", "start_new_thread")(look, ())


def _tell(seconds: float, frame: FrameType | None) -> None:
    stack = "".join(traceback.format_stack(frame, limit=-MOST_FRAMES)) if frame else ""
    data: dict[str, Any] = {"event": "hub.blocked", "seconds": round(seconds, 3), "stack": stack}
    write_past_locks(log, logging.WARNING, "code holds up the hub: nothing else in this pod runs", data)

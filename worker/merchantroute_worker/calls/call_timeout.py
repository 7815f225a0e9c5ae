"""The time-outs of a pod's calls, all of one gevent hub on a single libev timer.

A `gevent.Timeout` makes, starts, stops and closes a timer of its own, which is a tenth of what a call to a quick
merchant costs; nearly all of them are never due. Here a call only notes when it is due, and the timer runs for the
first one.
"""

import time
from typing import Any

import gevent
from gevent import monkey

_of_thread: Any = monkey.get_original("_thread", "_local")()


class CallTimeout(BaseException):
    """The time-out of one call, raised in its greenlet. A BaseException as gevent.Timeout is, so that no
    `except Exception` on the way takes it for a failure of the merchant; only its owner may catch it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class CallTimeouts:
    """The pending time-outs of one hub, by a number each: when it is due (monotonic seconds), and whose it is."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self._pending: dict[int, tuple[float, Any]] = {}
        self._number = 0
        self._timer: Any = None
        self._timer_due = float("inf")

    def start(self, seconds: float) -> int:
        """Start the time-out of a call that the current greenlet makes; gives its number."""
        due = time.monotonic() + seconds
        self._number = number = self._number + 1
        self._pending[number] = (due, gevent.getcurrent())
        if due < self._timer_due:
            self._run_timer_until(due)
        return number

    def stop(self, number: int) -> None:
        """Stop a time-out: from now on it is not raised. No effect if it was."""
        self._pending.pop(number, None)

    def _run_timer_until(self, due: float) -> None:
        if self._timer is not None:
            self._timer.close()
        # A new timer: libev keeps what was left of one that was stopped. It reads the clock anew at the start, since
        # the loop's own time is that of its last turn.
        self._timer = self.hub.loop.timer(max(0.0, due - time.monotonic()))
        self._timer.start(self._raise_due, update=True)
        self._timer_due = due

    def _raise_due(self) -> None:
        self._timer.close()
        self._timer, self._timer_due = None, float("inf")
        now = time.monotonic()
        try:
            for number in [number for number, (due, _) in self._pending.items() if due <= now]:
                # A greenlet that ran meanwhile may have stopped it.
                if pending := self._pending.pop(number, None):
                    # Runs the greenlet until it waits again, or ends.
                    pending[1].throw(CallTimeout(number))
        finally:
            first = min((due for due, _ in self._pending.values()), default=float("inf"))
            if first < self._timer_due:
                self._run_timer_until(first)


def call_timeouts() -> CallTimeouts:
    """Give the time-outs of the current thread's hub."""
    hub = gevent.get_hub()
    timeouts: CallTimeouts | None = getattr(_of_thread, "timeouts", None)
    if timeouts is None or timeouts.hub is not hub:
        timeouts = _of_thread.timeouts = CallTimeouts(hub)
    return timeouts

"""A circuit breaker for publishes: who still tries a broker that has failed for long, and who is told at once.

A pure state machine: no clock, no lock, no I/O. Times are monotonic seconds.
"""

from enum import Enum

PROBE_PAUSE = 1.0  # seconds between the end of one probe and the beginning of the next
STALE = 30.0  # seconds after which an old failure says little of the broker as it is now


class Admission(Enum):
    """What a publish may do: try for its whole time limit, try once, or not at all."""

    TRY = "try"
    TRY_ONCE = "try once"
    REFUSE = "refuse"


class Breaker:
    """Opens when publishing has failed for `after` seconds without an answer of the broker; None: never.

    While it is open, one publish at a time tries once (a probe), and the others are refused. Any answer closes it. When
    nobody has met the broker for a while, every publish tries once: refusing them would rest on old news.
    """

    def __init__(self, after: float | None) -> None:
        self._after = after
        self._since: float | None = None
        self._last = 0.0
        self._reason = ""
        self._probing = False
        self._next_probe = 0.0

    def failed(self, now: float, reason: str) -> None:
        """Note that the broker could not be reached, or did not answer."""
        if self._since is None or (not self._open() and now - self._last > STALE):
            self._since = now
        self._last, self._reason = now, reason

    def answered(self) -> None:
        """Note any answer to a publish, also a refusal: the broker is there."""
        self._since = None

    def admit(self, now: float, *, blocked: bool = False) -> Admission:
        """Decide about one publish, or one batch. Whoever gets TRY_ONCE reports its end by `probe_ended`.

        A broker that has `blocked` its publishers says when that ends, so nobody needs to probe it.
        """
        if blocked and self._since is not None:
            self._last = now
        if not self._open():
            return Admission.TRY
        stale = now - self._last > STALE
        if not stale and (blocked or self._probing or now < self._next_probe):
            return Admission.REFUSE
        self._probing = True
        return Admission.TRY_ONCE

    def probe_ended(self, now: float) -> None:
        """Note that a probe has its outcome, or was given up."""
        self._probing = False
        self._next_probe = now + PROBE_PAUSE

    def problem(self, now: float) -> str:
        """Why a publish is refused, in words."""
        age = now - self._since if self._since is not None else 0.0
        return f"not tried, since publishing has failed for {age:.0f} s: {self._reason}"

    def _open(self) -> bool:
        return self._after is not None and self._since is not None and self._last - self._since >= self._after

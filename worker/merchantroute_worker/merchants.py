"""Who holds the pod's slots now: the state that the bulkhead decides on, kept per merchant while it matters.

Times are what the caller's clock says (seconds, monotonic); nothing here reads one. A merchant without a call in
flight and without a time-out to remember is forgotten, so memory follows the work and not the list of merchants.
"""

from dataclasses import dataclass, field
from itertools import takewhile

from merchantroute_worker.bulkhead import Limits, Sight, Verdict, decide, is_slow

WEIGHT = 0.2


@dataclass
class _Merchant:
    """`calls` maps a slot to the start of its present call, oldest start first (a dict keeps insertion order)."""

    calls: dict[object, float] = field(default_factory=dict)
    answered: float | None = None
    usual: float | None = None
    timeouts: int = 0
    last_timeout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Slow:
    """A slow merchant as pulses and people see it; `oldest` is the age of its oldest call in seconds."""

    merchant: str
    in_flight: int
    oldest: float


class Merchants:
    """Slots by merchant. A timed-out merchant is remembered for `memory` seconds."""

    def __init__(self, limits: Limits, memory: float = 600.0) -> None:
        self.limits = limits
        self.busy = 0
        self._memory = memory
        self._merchants: dict[str, _Merchant] = {}

    def ask(self, merchant: str, now: float) -> Verdict:
        """The bulkhead's verdict on one more order of this merchant."""
        sight = self._sight(self._merchants.get(merchant), now)
        held = sum(slow.in_flight for slow in self.slow(now)) if is_slow(sight, self.limits) else 0
        return decide(sight, self.limits, busy=self.busy, held_by_slow=held)

    def take(self, merchant: str, slot: object, now: float) -> None:
        """The order in `slot` (any hashable) begins."""
        self._merchants.setdefault(merchant, _Merchant()).calls[slot] = now
        self.busy += 1

    def call(self, merchant: str, slot: object, now: float) -> None:
        """The order begins its next call: a call's age counts, not an order's."""
        state = self._merchants[merchant]
        del state.calls[slot]
        state.calls[slot] = now

    def answered(self, merchant: str, now: float, seconds: float) -> None:
        """The merchant answered a call in time, whatever it said. What is usual rests while it does not."""
        state = self._merchants[merchant]
        state.answered, state.timeouts = now, 0
        state.usual = seconds if state.usual is None else state.usual + WEIGHT * (seconds - state.usual)

    def timed_out(self, merchant: str, now: float) -> None:
        """A call of the merchant ran into its time-out."""
        state = self._merchants[merchant]
        state.timeouts += 1
        state.last_timeout = now

    def leave(self, merchant: str, slot: object) -> None:
        """The order in `slot` is through with its calls."""
        state = self._merchants[merchant]
        del state.calls[slot]
        self.busy -= 1
        if not state.calls and not state.timeouts:
            del self._merchants[merchant]

    def is_slow(self, merchant: str, now: float) -> bool:
        """Whether the merchant is slow now."""
        return is_slow(self._sight(self._merchants.get(merchant), now), self.limits)

    def slow(self, now: float) -> list[Slow]:
        """All slow merchants."""
        return [
            Slow(merchant=name, in_flight=len(state.calls), oldest=_oldest(state, now))
            for name, state in self._merchants.items()
            if is_slow(self._sight(state, now), self.limits)
        ]

    def busiest(self, top: int, now: float) -> list[dict[str, object]]:
        """The merchants that hold most slots, for people."""
        ranked = sorted(self._merchants.items(), key=lambda item: -len(item[1].calls))[:top]
        return [
            {
                "merchant": name,
                "inFlight": len(state.calls),
                "cap": self.limits.cap,
                "oldest": round(_oldest(state, now), 3),
                "timeoutsInARow": state.timeouts,
                "slow": is_slow(self._sight(state, now), self.limits),
            }
            for name, state in ranked
        ]

    def forget(self, now: float) -> None:
        """Drop idle merchants whose last time-out is long past."""
        for name, state in list(self._merchants.items()):
            if not state.calls and now - state.last_timeout > self._memory:
                del self._merchants[name]

    def _sight(self, state: _Merchant | None, now: float) -> Sight:
        if state is None:
            return Sight()
        due = now - self.limits.overdue_after
        return Sight(
            in_flight=len(state.calls),
            oldest=_oldest(state, now),
            usual=state.usual,
            overdue=sum(1 for _ in takewhile(lambda start: start < due, state.calls.values())),
            silence=None if state.answered is None else now - state.answered,
            timeouts_in_a_row=state.timeouts,
        )


def _oldest(state: _Merchant, now: float) -> float:
    return max(0.0, now - next(iter(state.calls.values()), now))

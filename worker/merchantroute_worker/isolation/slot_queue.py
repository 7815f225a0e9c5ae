"""Messages that wait for a slot of the pod, and which of them begins next. Pure: times are the caller's, in seconds.

The lane's queue hands out as many messages as the pod has slots. Own queues hand out theirs beside that, so that more
may arrive than can begin. A message of an own queue also needs its merchant below its part in this pod, and a token of
its rate (token bucket). The lane and the own queues take turns while both wait, so that neither starves; among own
queues the one with fewest orders in flight is first. A message of the lane that makes no call uses up no turn. All in
flight count, from whichever queue: an order that came through the lane loads its merchant as well. But once the router
leads no more to an own queue, the lane has no limit: then the own queue's orders count alone, or what is left there
would wait for as long as its merchant is busy.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from merchantroute_worker.isolation.own_queues import PodPart

T = TypeVar("T")
NO_PART = PodPart("", 0, bound=False)


class TokenBucket:
    """Tokens of one rate: `rate` a second, `burst` of them at most, and all of those at the start. None is no limit."""

    def __init__(self, rate: float | None, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._filled_at = burst, now
        self._stopped = False

    def change(self, rate: float | None, burst: float, now: float) -> None:
        """Go on at another rate, with the tokens that are there: a change of the number of pods gives none away."""
        self._fill(now)
        if self._rate is None:
            self._tokens = burst
        self._rate, self._burst, self._stopped = rate, burst, False
        self._tokens = min(self._tokens, burst)

    def stop(self, now: float) -> None:
        """Gain nothing until the next change: others have the rate meanwhile."""
        self._fill(now)
        self._stopped = True

    def wait(self, now: float) -> float:
        """Give the seconds until there is a token, 0 if there is one."""
        if self._rate is None:
            return 0.0
        self._fill(now)
        # What is missing by rounding alone would never be filled by the next look.
        return 0.0 if self._tokens > 1 - 1e-9 else (1 - self._tokens) / self._rate

    def take(self) -> None:
        """Take a token; there must be one."""
        if self._rate is not None:
            self._tokens -= 1

    def _fill(self, now: float) -> None:
        # Threads that wait for one another come with times in any order.
        if now <= self._filled_at:
            return
        if self._rate is not None and not self._stopped:
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now


class _Merchant(Generic[T]):
    __slots__ = ("begun", "begun_of_own", "bucket", "not_before", "part", "waiting")

    def __init__(self, part: PodPart, begun: int, now: float) -> None:
        self.part, self.begun, self.begun_of_own = part, begun, 0
        self.bucket = TokenBucket(part.rate, part.burst, now)
        self.waiting: deque[T] = deque()
        self.not_before = float("-inf")

    @property
    def is_below_part(self) -> bool:
        """Whether one more of the own queue's orders may be in flight."""
        return (self.begun if self.part.bound else self.begun_of_own) < self.part.part


class SlotQueue(Generic[T]):
    """The waiting messages of one pod with so many `slots`. What is begun, and has not ended, is the caller's to count;
    here it is counted for merchants with an own queue alone.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._lane: deque[T] = deque()
        self._merchants: dict[str, _Merchant[T]] = {}
        self._waiting: dict[str, _Merchant[T]] = {}
        self._own_was_last = False
        self._without_work = 0

    def configure(self, parts: Mapping[str, PodPart], begun: Mapping[str, int], now: float) -> None:
        """Take these parts from now on; `begun` counts the orders in flight of merchants. What waits of a merchant
        that has no part any more goes on waiting: see `take_back`.
        """
        for name in [name for name in self._merchants if name not in parts]:
            self._merchants[name].part = NO_PART
            if not self._merchants[name].waiting:
                del self._merchants[name]
        for name, part in parts.items():
            known = self._merchants.get(name)
            if known is None:
                self._merchants[name] = _Merchant(part, begun.get(name, 0), now)
                continue
            if part.part:
                known.bucket.change(part.rate, part.burst, now)
            else:
                known.bucket.stop(now)
            known.part, known.not_before = part, float("-inf")

    def counts(self, merchant: str) -> bool:
        """Whether orders in flight of this merchant are counted."""
        return merchant in self._merchants

    def add(self, message: T, merchant: str | None = None) -> None:
        """Let a message wait: of this merchant's own queue, or else of the lane's."""
        if merchant is None:
            self._lane.append(message)
            return
        state = self._merchants.get(merchant)
        if state is None:
            state = self._merchants[merchant] = _Merchant(NO_PART, 0, 0.0)
        state.waiting.append(message)
        self._waiting[merchant] = state

    def begins_from_lane(self, merchant: str, now: float, *, led_on: bool = True) -> bool:
        """Count an order of the merchant that begins and came through the lane; False where it belongs in the own
        queue: the router leads it there (`led_on`), or it is more than the part.
        """
        state = self._merchants.get(merchant)
        if state is None:
            return True
        state.begun += 1
        if not state.part.bound:
            return True
        if led_on or state.begun > state.part.part or state.bucket.wait(now) > 0:
            return False
        state.bucket.take()
        return True

    def ended(self, merchant: str, *, from_own: bool) -> None:
        """Count an order of the merchant as ended, which came from its own queue or through the lane."""
        state = self._merchants.get(merchant)
        if state is not None:
            state.begun -= 1
            state.begun_of_own = max(0, state.begun_of_own - from_own)

    def ended_without_work(self) -> None:
        """Count an order of the lane as ended that made no call: the lane's turn is not over, but for as many in a row
        as there are slots. What stands behind a flood that goes on to its own queue would else wait for a slot for each
        of its orders.
        """
        self._without_work += 1
        if self._without_work <= self.slots:
            self._own_was_last = True

    def next(self, begun: int, now: float, admit: Callable[[T], float]) -> T | None:
        """Give the message that begins now, with `begun` orders in flight; None where none can. `admit` gives the
        seconds for which the merchant of an own queue's message takes no order, 0 where it begins.
        """
        if begun >= self.slots:
            return None
        own = None if self._lane and self._own_was_last else self._ready(now, admit)
        self._own_was_last = own is not None
        if own is None:
            return self._lane.popleft() if self._lane else None
        self._without_work = 0
        message = self._waiting[own].waiting.popleft()
        if not self._waiting[own].waiting:
            del self._waiting[own]
        return message

    def due(self, now: float) -> float | None:
        """Give the time at which a message can begin that waits for a token or its merchant; None without one."""
        times = [state.not_before for state in self._waiting.values() if state.is_below_part]
        return min((time for time in times if time > now), default=None)

    def take_back(self, merchants: Iterable[str] | None = None) -> list[T]:
        """Remove what waits of these merchants' own queues, or of those without a part here, and give it."""
        if merchants is None:
            merchants = [name for name, state in self._waiting.items() if not state.part.part]
        taken: list[T] = []
        for name in list(merchants):
            state = self._waiting.pop(name, None)
            if state is not None:
                taken.extend(state.waiting)
                state.waiting.clear()
                if state.part is NO_PART:
                    del self._merchants[name]
        return taken

    def clear(self) -> None:
        """Remove whatever waits, and go on counting what has begun."""
        self._lane.clear()
        self.take_back(list(self._waiting))

    @property
    def waiting_in_own(self) -> list[str]:
        """The merchants whose own queues' messages wait."""
        return list(self._waiting)

    @property
    def waiting_of_lane(self) -> int:
        """How many of the lane's messages wait."""
        return len(self._lane)

    def waiting_of(self, merchant: str) -> int:
        """How many messages of the merchant's own queue wait."""
        state = self._waiting.get(merchant)
        return 0 if state is None else len(state.waiting)

    def in_flight_of(self, merchant: str) -> int:
        """How many orders in flight are counted of the merchant."""
        state = self._merchants.get(merchant)
        return 0 if state is None else state.begun

    def _ready(self, now: float, admit: Callable[[T], float]) -> str | None:
        """The merchant whose own queue's message begins now; it is counted."""
        below = [
            (state.begun, name)
            for name, state in self._waiting.items()
            if state.is_below_part and state.not_before <= now
        ]
        for _, name in sorted(below):
            state = self._waiting[name]
            wait = state.bucket.wait(now) or admit(state.waiting[0])
            if wait <= 0:
                state.begun += 1
                state.begun_of_own += 1
                state.bucket.take()
                return name
            state.not_before = now + wait
        return None

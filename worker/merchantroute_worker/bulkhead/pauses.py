"""Pauses merchants that asked for time (429, Retry-After), and finds the rate of orders that each takes afterwards.
Pure: times are the caller's, in seconds.

A merchant that limits its callers names no rate: it only says when it was exceeded. So after a pause its orders begin
at a low rate, which grows while orders are refused for it: it doubles in a second at first (slow start), and, once the
merchant has asked again, grows by a twentieth in the time of a pause (AIMD, as in TCP congestion control). Each further
429 decreases it. The costlier a pause, the slower the rate grows, so that a merchant is paused for a small part of the
time only. A rate that refuses nobody for long is forgotten.

Calls that began before the pause was over say nothing about the rate after it: twenty calls in flight that are answered
429 together are one decrease.
"""

from typing import NamedTuple

SHORTEST, LONGEST = 0.1, 3600.0
"""Shortest and longest pause in seconds, whatever the merchant asks for."""
FIRST, LONGEST_UNTOLD = 1.0, 60.0
"""The first and the longest pause after a 429 without Retry-After; each is twice the one before."""
START_RATE = 1.0
"""Orders a second after the first pause."""
RAREST = 10.0
"""Seconds, or the length of a pause if that is longer, after which an order is admitted whatever the rate."""
SLOW_START = 0.7
"""By how many orders a second an order raises the rate in slow start: twice the rate after a second."""
PATIENCE = 20.0
"""Pauses in which the rate grows by a factor e after slow start."""
BACK_TO_HALF, DECREASE = 0.5, 0.7
"""Factors of the rate when the merchant asks again: in slow start, and later."""
BURST = 0.2
"""Seconds of orders that may begin together."""
QUIET_PAUSES, QUIET = 10.0, 60.0
"""Pauses, and at least seconds, without a refused order after which a rate is forgotten."""
MOST_MERCHANTS = 10_000


class Pause(NamedTuple):
    """The pause of one merchant, or the rate after it. No order begins before `until`; `length` is the pause's.
    `due` is when the next order is due by the `rate` (orders a second); `refused` is when one was refused last, and
    `limits` whether any was since the last admitted one.
    """

    until: float
    length: float
    rate: float = START_RATE
    slow_start: bool = True
    due: float = 0.0
    refused: float = 0.0
    limits: bool = True

    def is_over(self, now: float) -> bool:
        """Whether the rate has refused nobody for so long that it can be forgotten."""
        return now - max(self.until, self.refused) > max(QUIET, QUIET_PAUSES * self.length)

    def holds_back(self, now: float) -> bool:
        """Whether orders wait because of it, or did within the last minute."""
        return self.until > now or now - self.refused < QUIET

    def left(self, now: float) -> float:
        """Give the seconds until an order may begin."""
        return max(0.0, self.until - now, self.due - BURST - now)


def asked(pause: Pause | None, *, began: float, now: float, seconds: float | None) -> Pause:
    """Pause after a call that began then and was answered so: for `seconds`, None where the merchant named no time."""
    named = None if not seconds else min(max(seconds, SHORTEST), LONGEST)
    if pause is not None and began < pause.until:
        until = pause.until if named is None else max(pause.until, now + named)
        return pause._replace(until=until, length=max(pause.length, until - now))
    length = _untold(pause, now) if named is None else named
    if pause is None or pause.is_over(now):
        return Pause(until=now + length, length=length, refused=now)
    rate = max(pause.rate * (BACK_TO_HALF if pause.slow_start else DECREASE), 1 / max(length, RAREST))
    return Pause(until=now + length, length=length, rate=rate, slow_start=False, refused=now)


def admit(pause: Pause, now: float) -> tuple[bool, Pause]:
    """Decide whether an order may begin now, and count it."""
    if pause.left(now) > 0:
        return False, pause._replace(refused=now, limits=True)
    rate = pause.rate
    if pause.limits:
        rate += SLOW_START if pause.slow_start else 1 / (PATIENCE * pause.length)
    return True, pause._replace(rate=rate, due=max(now, pause.due) + 1 / rate, limits=False)


def _untold(pause: Pause | None, now: float) -> float:
    if pause is None or now - pause.until > QUIET_PAUSES * pause.length:
        return FIRST
    return min(2 * pause.length, max(LONGEST_UNTOLD, pause.length))


class Pauses:
    """The pauses of a pod's merchants."""

    def __init__(self, most: int = MOST_MERCHANTS) -> None:
        self._pauses: dict[str, Pause] = {}
        self._most = most

    def __bool__(self) -> bool:
        return bool(self._pauses)

    def asked(self, merchant: str, *, began: float, now: float, seconds: float | None) -> None:
        """Pause a merchant, as `asked` does."""
        pause = self._pauses.pop(merchant, None)
        if len(self._pauses) >= self._most:
            self.forget(now)
        if len(self._pauses) >= self._most:
            del self._pauses[next(iter(self._pauses))]
        self._pauses[merchant] = asked(pause, began=began, now=now, seconds=seconds)

    def admits(self, merchant: str, now: float) -> bool:
        """Whether an order of the merchant may begin now; if so, it counts as begun."""
        pause = self._pauses.get(merchant)
        if pause is None:
            return True
        if pause.is_over(now):
            del self._pauses[merchant]
            return True
        admitted, self._pauses[merchant] = admit(pause, now)
        return admitted

    def is_paused(self, merchant: str, now: float) -> bool:
        """Whether the merchant's pause is not over: what it does not admit after that, its rate holds back."""
        pause = self._pauses.get(merchant)
        return pause is not None and pause.until > now

    def left(self, merchant: str, now: float) -> float:
        """Give the seconds until an order of the merchant may begin, 0 where it may now."""
        pause = self._pauses.get(merchant)
        return 0.0 if pause is None else pause.left(now)

    def paused_for(self, merchant: str, now: float) -> float:
        """Give the seconds that are left of the merchant's pause, 0 where it is over."""
        pause = self._pauses.get(merchant)
        return 0.0 if pause is None else max(0.0, pause.until - now)

    def holding_back(self, now: float) -> list[tuple[str, float]]:
        """Give the merchants whose orders wait, with the seconds that are left of the pause: 0 where they begin again,
        at a limited rate.
        """
        return [(name, max(0.0, p.until - now)) for name, p in self._pauses.items() if p.holds_back(now)]

    def forget(self, now: float) -> None:
        """Drop what is over."""
        self._pauses = {name: pause for name, pause in self._pauses.items() if not pause.is_over(now)}

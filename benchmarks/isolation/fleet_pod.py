"""One pod in virtual time: the worker's own bulkhead, slots, and its parts of own queues."""

from collections import Counter
from typing import Any

from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures, PodFigures
from merchantroute_worker.bulkhead.bulkhead import LOOK_AGAIN, Bulkhead
from merchantroute_worker.bulkhead.fair_share import fair_share
from merchantroute_worker.bulkhead.merchant_figures import JUST_NOW
from merchantroute_worker.bulkhead.rule import Limits
from merchantroute_worker.bulkhead.views import Activity
from merchantroute_worker.isolation.groups import group_figures

HOST, MOST = "pos.vendor.example", 100
LATELY = 60.0
"""Seconds for which a merchant that had calls is active, and one that was refused or refuses is reported."""


class Part:
    """What the pod may have of one own queue. `tokens` are those of its part of the rate at `filled_at`; there is none
    before `not_before`.
    """

    __slots__ = ("bound", "burst", "filled_at", "not_before", "part", "rate", "tokens")

    def __init__(self, part: int, rate: float | None, burst: float, now: float, *, bound: bool) -> None:
        self.part, self.rate, self.burst, self.bound = part, rate, burst, bound
        self.tokens, self.filled_at = burst, now
        self.not_before = 0.0

    def wait(self, now: float) -> float:
        """Seconds until an order may begin by the rate."""
        if self.rate is None:
            return 0.0
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        return 0.0 if self.tokens > 1 - 1e-9 else (1 - self.tokens) / self.rate


class FleetPod:
    """A pod of so many `slots`; the ceiling of one merchant is a quarter of them."""

    def __init__(
        self, name: str, slots: int, call_timeout: float, started: int, one_host: frozenset[int] = frozenset()
    ) -> None:
        self.name, self.slots, self.started, self.one_host = name, slots, started, one_host
        self.bulkhead = Bulkhead(Limits(slots=slots, ceiling=max(1, slots // 4), call_timeout=call_timeout))
        self.busy = 0
        self.reads_from = 0.0
        self.running: Counter[int] = Counter()
        self.parts: dict[int, Part] = {}
        self.loaded: int | None = None
        self.own_was_last = False
        self.without_work = 0
        self.ending = False
        self.told_slow: frozenset[str] = frozenset()
        self.refused: Counter[int] = Counter()
        self.succeeded: Counter[int] = Counter()
        self.failed: Counter[int] = Counter()
        self.limited: Counter[int] = Counter()
        self.told_paused: frozenset[str] = frozenset()
        self._called: dict[int, float] = {}
        self._well: dict[int, float] = {}
        self._noted_at: dict[int, float] = {}

    def began(self, merchant: int, now: float) -> None:
        """Count an order that begins."""
        self.busy += 1
        self.running[merchant] += 1
        self._called[merchant] = now

    def ended(self, merchant: int, now: float, *, success: bool, limited: bool = False) -> None:
        """Count one that has ended; ``limited`` says that it was answered with 429."""
        self.busy -= 1
        self.running[merchant] -= 1
        self._called[merchant] = now
        (self.succeeded if success else self.failed)[merchant] += 1
        if success:
            self._well[merchant] = now
        if limited:
            self.limited[merchant] += 1
            self._noted_at[merchant] = now

    def note_refusal(self, merchant: int, now: float) -> None:
        """Count an order that got no slot."""
        self.refused[merchant] += 1
        self._noted_at[merchant] = now

    def pause(self, merchant: int, now: float) -> float:
        """Seconds until an order of the merchant's own queue may begin, as far as it is for the merchant."""
        refusals, name = self.bulkhead.refusals, str(merchant)
        if refusals.verdict(name, now, own_queue=True) is None:
            return 0.0
        return max(LOOK_AGAIN, refusals.wait(name, now, own_queue=True))

    def has_news(self, now: float) -> bool:
        """Whether a merchant has become slow, or asks for time, since the last pulse."""
        return bool(self.bulkhead.slow_names(now) - self.told_slow or self._paused(now) - self.told_paused)

    def _paused(self, now: float) -> frozenset[str]:
        return frozenset(paused.merchant for paused in self.bulkhead.refusals.paused(now))

    def pulse(self, now: float) -> PodFigures:
        """The figures that the pod reports."""
        slow = self.bulkhead.slow_names(now)
        self.told_slow, self.told_paused = slow, self._paused(now)
        self._noted_at = {merchant: at for merchant, at in self._noted_at.items() if now - at <= LATELY}
        named = {*map(int, slow), *self._noted_at, *self.parts}
        held = [count for merchant, count in self.running.items() if count and str(merchant) not in slow]
        of_slow = self.busy - sum(held)
        share = fair_share(held, self.slots - of_slow) if held else (self.slots - of_slow) * 3 / 4
        active = {
            str(merchant): Activity(str(merchant) in slow, now - self._well.get(merchant, -LATELY) <= JUST_NOW)
            for merchant, at in self._called.items()
            if now - at <= LATELY or self.running[merchant] > 0
        }
        groups = group_figures(active, self._group, MOST)
        return PodFigures(
            pod=self.name,
            started=self.started,
            at=now,
            slots=self.slots,
            active=len(active),
            fair_share=max(1, min(self.slots, int(share))),
            merchants={str(merchant): self._figures(merchant, slow, groups, now) for merchant in named},
            busy=self.busy,
            groups={group: GroupFigures(*counts) for group, counts in groups.items()},
            slow=sum(one.slow for one in active.values()),
        )

    def _group(self, merchant: str) -> str | None:
        return HOST if int(merchant) in self.one_host else None

    def _figures(self, merchant: int, slow: Any, groups: Any, now: float) -> MerchantFigures:
        return MerchantFigures(
            merchant=str(merchant),
            in_flight=self.running[merchant],
            slow=str(merchant) in slow,
            refused=self.refused[merchant],
            succeeded=self.succeeded[merchant],
            failed=self.failed[merchant],
            group=HOST if merchant in self.one_host and HOST in groups else "",
            limited=self.limited[merchant],
            paused_for=self.bulkhead.refusals.paused_for(str(merchant), now),
        )

"""The load of a run: how many orders a merchant must get for its hanging to matter, and who can be given so many.

A hung merchant holds each of its orders for callTimeout. If the orders that arrive in that time are at least twice
the slots that its tier has at maxReplicas, a system without isolation has no slot left for anybody else: growing
does not save it. Less than that would be a demonstration of nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from merchantroute_demo.route import Route
from merchantroute_samples.lines import Line

FACTOR = 2.0
_SLACK = 1.1  # the producer may run a little late


@dataclass(frozen=True)
class Load:
    """Rates in orders per second, `phase` in seconds."""

    merchant: str
    tier: str
    slots: int
    call_timeout: float
    hung_rate: float
    other_rate: float
    phase: float

    @property
    def held(self) -> float:
        """Orders of the hung merchant that arrive within callTimeout."""
        return self.hung_rate * self.call_timeout

    def __str__(self) -> str:
        return (
            f"{self.merchant} hangs: {self.hung_rate:.1f} orders/s x callTimeout {self.call_timeout:g} s = "
            f"{self.held:.0f} held at once, {self.held / self.slots:.1f} times the {self.slots} slots that tier "
            f"{self.tier} has at maxReplicas"
        )


class LoadError(ValueError):
    """No merchant of the sample can be made to hang hard enough within the rate that the machine carries."""


def choose(route: Route, lines: Iterable[Line], *, rate: float, wanted: str | None = None, healthy: int = 1000) -> Load:
    """The most popular merchant whose hanging matters at `rate` orders/s in all, and the rates of the replay.

    `phase` is long enough for `healthy` good orders of the other merchants of its tier.
    """
    good = Counter(line.merchant for line in lines if line.malformed is None and line.merchant in route.merchants)
    candidates = [wanted] if wanted else [merchant for merchant, _ in good.most_common()]
    needs = []
    for merchant in candidates:
        if merchant not in good:
            raise LoadError(f"{merchant} is not both in the route and in the sample")
        tier = route.tiers[route.merchants[merchant]]
        hung = max(_SLACK * FACTOR * tier.slots / route.call_timeout, rate * good[merchant] / good.total())
        neighbours = sum(n for other, n in good.items() if other != merchant and route.merchants[other] == tier.name)
        others = good.total() - good[merchant]
        if hung < rate and neighbours:
            share = neighbours / others * (rate - hung)
            return Load(merchant, tier.name, tier.slots, route.call_timeout, hung, rate - hung, healthy / share)
        needs.append(f"{merchant} needs {hung:.0f} orders/s ({tier.slots} slots at maxReplicas)")
    raise LoadError(f"{rate:g} orders/s cannot make a hang matter: {'; '.join(needs[:3])}. Raise --rate")

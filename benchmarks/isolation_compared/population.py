"""Merchants of a cell, and when which of them gets an order: the same for all contenders and faults of a load. Pure."""

import random
from dataclasses import dataclass

from benchmarks.isolation_compared.isolation_plan import CellTimes
from benchmarks.isolation_compared.trouble import FLOOD_SECONDS, ORDER_SECONDS, VENDOR, Trouble

MERCHANTS, PODS, SLOTS = 50, 2, 80
"""`SLOTS` are of all pods together."""
_VENDORS_PART = 1 / 7


@dataclass(frozen=True)
class Arrival:
    """An order that is to be published so many seconds after a cell's beginning."""

    at: float
    merchant: str


def merchant(rank: int) -> str:
    """The merchant that has most orders but for so many."""
    return f"merchant-{rank}"


def vendors_merchant(number: int) -> str:
    """One of those on the vendor's host."""
    return f"vendor-{number}"


def weights() -> list[float]:
    """Their parts of the orders by Zipf: the second has half of the first one's."""
    parts = [1 / (rank + 1) for rank in range(MERCHANTS)]
    return [part / sum(parts) for part in parts]


def merchants(trouble: Trouble) -> list[str]:
    """All that have orders."""
    return [merchant(rank) for rank in range(MERCHANTS)] + [vendors_merchant(n) for n in range(trouble.vendor)]


def in_trouble(trouble: Trouble) -> frozenset[str]:
    """Those whom the fault is about."""
    return frozenset([merchant(rank) for rank in trouble.ranks] + [vendors_merchant(n) for n in range(trouble.vendor)])


def arrivals(load: int, times: CellTimes, trouble: Trouble, seed: int = 7) -> list[Arrival]:
    """By chance (Poisson) at a rate that needs `load` percent of all slots; a flood begins as the fault does.

    The vendor's merchants take over orders of others, so that there are as many as without them.
    """
    dice = random.Random(seed * 1000 + load)
    vendors = random.Random(seed)
    rate = load / 100 * SLOTS / ORDER_SECONDS
    names, parts = [merchant(rank) for rank in range(MERCHANTS)], weights()
    found, now = [], dice.expovariate(rate)
    while now < times.published:
        name = dice.choices(names, parts)[0]
        if trouble.vendor and vendors.random() < _VENDORS_PART:
            name = vendors_merchant(vendors.randrange(VENDOR))
        found.append(Arrival(now, name))
        now += dice.expovariate(rate)
    if trouble.flood:
        flooding, pause = merchant(trouble.ranks[0]), FLOOD_SECONDS / trouble.flood
        found += [Arrival(times.before + number * pause, flooding) for number in range(trouble.flood)]
    return sorted(found, key=lambda arrival: arrival.at)


def slots_by_weight(total: int = SLOTS) -> list[int]:
    """Each merchant's slots where none may use another's: one, and of what is left a part by its weight."""
    given = [1] * MERCHANTS
    parts = weights()
    for _ in range(total - MERCHANTS):
        neediest = max(range(MERCHANTS), key=lambda rank: parts[rank] / given[rank])
        given[neediest] += 1
    return given

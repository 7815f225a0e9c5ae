"""Figures of contenders: medians over rounds of windows, and each as a ratio to one contender. Pure.

A window is a JSON object, so that runs can be put together: {"contender", "ms", "seconds", "orders", "cpu" (seconds),
"pss" (MB), "p50", "p99" (seconds of a series; None where too few ended), "merchants", "own_core", "busiest_other"
(shares of a core), "ledger", "at"}.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

Windows = Sequence[Mapping[str, Any]]
FEW = 20


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One contender at one latency (ms). `per_cpu` is orders per CPU second: what a whole core does in a second.
    Memory in MB, `p50` and `p99` in seconds, `core` the share of its core that was busy.
    """

    contender: str
    ms: int
    rounds: int
    per_second: float
    per_cpu: float
    pss: float
    p50: float | None
    p99: float | None
    core: float

    @property
    def per_hour(self) -> float:
        """Orders per hour and pod, the post's unit."""
        return 3600 * self.per_second

    @property
    def cpu_of_1000(self) -> float:
        """CPU seconds of 1,000 orders."""
        return 1000 / self.per_cpu if self.per_cpu else 0.0


Table = dict[tuple[str, int], Figures]


def figures(windows: Windows) -> Table:
    """Medians of all windows of a contender at a latency, by (name, ms)."""
    found: Table = {}
    for key in dict.fromkeys((window["contender"], window["ms"]) for window in windows):
        of_it = [window for window in windows if (window["contender"], window["ms"]) == key]
        found[key] = Figures(
            contender=key[0],
            ms=key[1],
            rounds=len(of_it),
            per_second=median(window["orders"] / window["seconds"] for window in of_it),
            per_cpu=median(window["orders"] / window["cpu"] if window["cpu"] else 0.0 for window in of_it),
            pss=median(window["pss"] for window in of_it),
            p50=_median(window["p50"] for window in of_it),
            p99=_median(window["p99"] for window in of_it),
            core=median(window["own_core"] for window in of_it),
        )
    return found


def percentiles(took: Sequence[float]) -> tuple[float | None, float | None]:
    """p50 and p99; None where a percentile of so few says nothing."""
    if len(took) < 2:
        return None, None
    cuts = quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[98] if len(took) >= FEW else None


def ratio(one: float | None, other: float | None) -> float | None:
    """None where either is not known or nothing."""
    return one / other if one is not None and other else None


def beside(seen: Figures | None, base: Figures | None, figure: Callable[[Figures], float | None]) -> float | None:
    """One of the figures as a ratio to another contender's."""
    return ratio(figure(seen), figure(base)) if seen and base else None


def merged(before: Windows, now: Windows) -> list[Mapping[str, Any]]:
    """What was measured now, and of before what was not measured again."""
    again = {(window["contender"], window["ms"]) for window in now}
    return [window for window in before if (window["contender"], window["ms"]) not in again] + list(now)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None

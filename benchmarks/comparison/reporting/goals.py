"""Goals for the worker, beside what was measured. Pure."""

from dataclasses import dataclass

from benchmarks.comparison.catalogue import LIMIT, OURS, REFERENCE
from benchmarks.comparison.contender import Contender
from benchmarks.comparison.reporting.figures import Table, beside, ratio

_LARGE, _LEGACY, _BARE = "worker-gevent-500", "post-prefork-4", "bare-loop"
_FAST, _USUAL, _SLOW = 5, 500, 2000
MB_AT_500 = 90.0
IDLE_PERCENT = 0.5


@dataclass(frozen=True)
class Goal:
    """`found` is None where what it needs was not measured. `most` says that the goal is an upper bound."""

    merchant: str
    what: str
    wanted: float
    found: float | None
    unit: str = ""
    most: bool = False

    @property
    def reached(self) -> bool | None:
        """None where nothing is known."""
        if self.found is None:
            return None
        return self.found <= self.wanted if self.most else self.found >= self.wanted

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "reached", False: "not reached", None: "not measured"}[self.reached]


def goals(table: Table, contenders: tuple[Contender, ...], idle_percent: float | None) -> list[Goal]:
    """All of them; `idle_percent` is of a core, of a pod that has nothing to do."""
    return [*_slow_merchants(table, contenders), *_per_pod(table), *_per_core(table, contenders),
            *_at_rest(table, idle_percent)]  # fmt: skip


def _slow_merchants(table: Table, contenders: tuple[Contender, ...]) -> list[Goal]:
    found = []
    for ms in (_USUAL, _SLOW):
        for one in contenders:
            if one.kind == OURS:
                possible = one.slots / (3 * ms / 1000)
                share = ratio(_per_second(table, one.name, ms), possible)
                percent = None if share is None else 100 * share
                found.append(Goal(_named(ms), f"{one.title}: of slots / order time", 95, percent, " %"))
    return found


def _per_pod(table: Table) -> list[Goal]:
    legacy = table.get((_LEGACY, _USUAL))
    found = []
    for name, times in ((REFERENCE, 48), (_LARGE, 115)):
        ours = table.get((name, _USUAL))
        faster = beside(ours, legacy, lambda seen: seen.per_second)
        memory = beside(ours, legacy, lambda seen: seen.pss)
        slots = name.rpartition("-")[2]
        more = f"{slots} slots: orders, times the post's prefork 4"
        less = f"{slots} slots: memory, of the post's prefork 4"
        found.append(Goal(_named(_USUAL), more, times, faster, " x"))
        found.append(Goal(_named(_USUAL), less, 0.5, memory, " x", most=True))
    return found


def _per_core(table: Table, contenders: tuple[Contender, ...]) -> list[Goal]:
    ours = _per_cpu(table, REFERENCE)
    others = [_per_cpu(table, one.name) for one in contenders if one.kind not in {OURS, LIMIT}]
    best = max((figure for figure in others if figure is not None), default=None)
    return [
        Goal(_named(_FAST), "orders per CPU second, times the best contender's", 1.25, ratio(ours, best), " x"),
        Goal(
            _named(_FAST), "orders per CPU second, of the bare loop's", 0.6, ratio(ours, _per_cpu(table, _BARE)), " x"
        ),
    ]


def _at_rest(table: Table, idle_percent: float | None) -> list[Goal]:
    memory = [figures.pss for (name, _), figures in table.items() if name == _LARGE]
    return [
        Goal("any", "memory at 500 slots", MB_AT_500, max(memory, default=None), " MB", most=True),
        Goal("none", "an idle pod, of a core", IDLE_PERCENT, idle_percent, " %", most=True),
    ]


def _per_second(table: Table, name: str, ms: int) -> float | None:
    return table[name, ms].per_second if (name, ms) in table else None


def _per_cpu(table: Table, name: str) -> float | None:
    return table[name, _FAST].per_cpu if (name, _FAST) in table else None


def _named(ms: int) -> str:
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:g} s"

"""The plan of a run, by environment variables: contenders, faults, loads and times. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.isolation_compared.trouble import FAULTS, NONE, Trouble

CONTENDERS = (
    "celery",
    "celery-rate-limit",
    "off",
    "dry-run",
    "automatic",
    "queue-per-merchant",
    "dbos",
)
OURS = {"off": "Off", "dry-run": "DryRun", "automatic": "Automatic"}
"""This project, by `spec.isolation.mode`."""
LOADS = (50, 90)
_FIRST = ("hang-5", "flood")  # faults of a quick run
_SETTING_UP = 25.0  # seconds of a cell that are not its own: processes start and end


class UnusablePlan(ValueError):
    """A choice that cannot be; the text says what can."""


@dataclass(frozen=True)
class CellTimes:
    """Seconds of a cell: before the fault, of it, and after it with orders as before; then as many at most until all
    are done.

    A fault lasts for minutes, as outages do: what the first ten seconds of it cost weighs as much as it does there.
    """

    before: float = 10.0
    fault: float = 120.0
    after: float = 30.0
    drain: float = 30.0

    @property
    def healed_at(self) -> float:
        """When the fault is over."""
        return self.before + self.fault

    @property
    def published(self) -> float:
        """For how long orders come."""
        return self.healed_at + self.after

    @property
    def longest(self) -> float:
        """As long as a cell may take."""
        return self.published + self.drain


@dataclass(frozen=True)
class IsolationPlan:
    """What is measured, in order: of each contender and load the cell without a fault first."""

    contenders: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    loads: tuple[int, ...]
    times: CellTimes
    keep: bool

    def cells(self) -> list[tuple[str, int, Trouble]]:
        """Contender, load in percent, and fault."""
        return [
            (contender, load, trouble)
            for contender in self.contenders
            for load in self.loads
            for trouble in self.troubles
            if contender != "queue-per-merchant" or not trouble.vendor
        ]

    @property
    def minutes(self) -> float:
        """About how long the whole run takes at most."""
        return len(self.cells()) * (self.times.longest + _SETTING_UP) / 60


def planned(environment: Mapping[str, str]) -> IsolationPlan:
    """CONTENDERS, FAULTS, LOADS, QUICK and KEEP; everything where nothing is said."""
    quick = bool(environment.get("QUICK"))
    times, every_load = CellTimes(), tuple(map(str, LOADS))
    names = _chosen(environment, "FAULTS", tuple(FAULTS), _FIRST if quick else tuple(FAULTS))
    return IsolationPlan(
        contenders=_chosen(environment, "CONTENDERS", CONTENDERS, CONTENDERS),
        troubles=(FAULTS[NONE], *(FAULTS[name] for name in names if name != NONE)),
        loads=tuple(map(int, _chosen(environment, "LOADS", every_load, every_load[:1] if quick else every_load))),
        times=replace(times, fault=20.0, after=10.0, drain=20.0) if quick else times,
        keep=bool(environment.get("KEEP")),
    )


def _chosen(
    environment: Mapping[str, str], variable: str, there_are: Sequence[str], usual: tuple[str, ...]
) -> tuple[str, ...]:
    names = [name.strip() for name in environment.get(variable, "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in there_are]:
        raise UnusablePlan(f"{variable}: there is no {unknown[0]!r}; there are {', '.join(there_are)}")
    return tuple(names) or usual

"""The plan of a run, by environment variables: contenders, merchants, rounds, seconds. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.comparison.catalogue import ALL, ALL_MERCHANTS, BY_NAME
from benchmarks.comparison.contender import Contender


class Unusable(ValueError):
    """A choice that cannot be; the text says what can."""


@dataclass(frozen=True)
class Plan:
    """`merchants` are latencies in ms. `seconds` is a window, `warm` what goes before it at least."""

    contenders: tuple[Contender, ...]
    merchants: tuple[int, ...]
    rounds: int
    seconds: float
    warm: float
    idle: float
    quick: bool
    keep: bool

    def pairs(self) -> list[tuple[int, Contender]]:
        """A round: at each latency every contender that is measured there."""
        return [(ms, one) for ms in self.merchants for one in self.contenders if ms in one.merchants]

    def window(self, ms: int) -> float:
        """Seconds of a window: some orders begin and end in it."""
        return max(self.seconds, 4.5 * ms / 1000)

    def warm_up(self, ms: int) -> float:
        """Seconds before a window: the answers are spread over one series, and no call of then is left after two."""
        return max(self.warm, 5 * ms / 1000)


def planned(environment: Mapping[str, str]) -> Plan:
    """CONTENDERS, MERCHANTS, ROUNDS, SECONDS, QUICK, KEEP; all contenders in three rounds where nothing is said."""
    quick = bool(environment.get("QUICK"))
    return Plan(
        contenders=_contenders(environment.get("CONTENDERS", "")),
        merchants=_merchants(environment.get("MERCHANTS", ""), (5, 500) if quick else ALL_MERCHANTS),
        rounds=_number(environment, "ROUNDS", 1 if quick else 3),
        seconds=_number(environment, "SECONDS", 2 if quick else 8),
        warm=1.0 if quick else 3.0,
        idle=10.0 if quick else 30.0,
        quick=quick,
        keep=bool(environment.get("KEEP")),
    )


def _contenders(text: str) -> tuple[Contender, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise Unusable(f"CONTENDERS: there is no contender {unknown[0]!r}; there are {', '.join(BY_NAME)}")
    return tuple(BY_NAME[name] for name in names) or ALL


def _merchants(text: str, usual: tuple[int, ...]) -> tuple[int, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in map(str, ALL_MERCHANTS)]:
        raise Unusable(f"MERCHANTS: {unknown[0]!r} is not measured; there are {', '.join(map(str, ALL_MERCHANTS))}")
    return tuple(int(name) for name in names) or usual


def _number(environment: Mapping[str, str], name: str, usual: int) -> int:
    text = environment.get(name) or str(usual)
    if not text.isdigit() or int(text) < 1:
        raise Unusable(f"{name}={text!r}: a whole number of at least 1 is needed")
    return int(text)

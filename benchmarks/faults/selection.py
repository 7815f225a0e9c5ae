"""Selection by environment variables: which faults are run, and with how many orders. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.faults.environment.scale import FULL, Scale
from benchmarks.faults.every_fault import ALL, BY_NAME
from benchmarks.faults.fault import Fault

FEWEST = 500  # orders; with fewer, a fault hits before there is any load


class Unusable(ValueError):
    """A choice that cannot be; the text says what can."""


def chosen_faults(environment: Mapping[str, str]) -> tuple[Fault, ...]:
    """FAULTS: names with commas between them; all where it is empty."""
    names = [name.strip() for name in environment.get("FAULTS", "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise Unusable(f"FAULTS: there is no fault {unknown[0]!r}; there are {', '.join(BY_NAME)}")
    return tuple(BY_NAME[name] for name in names) or ALL


def chosen_scale(environment: Mapping[str, str]) -> Scale:
    """ORDERS: how many orders a fault has at least. ALARM: how many seconds a long alarm lasts."""
    text = environment.get("ORDERS") or str(FULL.orders)
    if not text.isdigit() or int(text) < FEWEST:
        raise Unusable(f"ORDERS={text!r}: a whole number of at least {FEWEST} is needed")
    alarm = environment.get("ALARM") or str(int(FULL.alarm))
    if not alarm.isdigit():
        raise Unusable(f"ALARM={alarm!r}: a whole number of seconds is needed")
    return replace(FULL, orders=int(text), alarm=float(alarm))

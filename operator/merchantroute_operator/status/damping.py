"""Damps the status's figures: a status that followed every order would be written all the time.

A lane's figures move when one of them has changed by a tenth, and the last move is 10 s ago (``may_move``). They move
along when the status is to be written anyway for what is no figure: another number of pods, another reason, a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from merchantroute_operator.spec.route import Raw

EVERY = 10.0  # seconds between two moves
TENTH = 0.1
FIGURES = (
    "queued",
    "retrying",
    "inFlight",
    "arrivalRate",
    "doneRate",
    "orderTime",
    "slowMerchants",
    "pausedMerchants",
)
_WORDS = "reason"  # one word, a colon, and a sentence with figures in it


def damp_lanes(new: Sequence[Raw], old: Sequence[Raw], *, may_move: bool) -> list[dict[str, Any]]:
    """``new``, each lane with its figures as in ``old`` where they need not move."""
    before = {(lane.get("tier"), lane.get("lane")): lane for lane in old}
    return [_lane(lane, before.get((lane["tier"], lane["lane"]), {}), may_move=may_move) for lane in new]


def damp_figure(new: float | None, old: float | None, *, may_move: bool) -> float | None:
    """One figure that stands alone."""
    return new if may_move and _moved(new, old) else old


def _lane(new: Raw, old: Raw, *, may_move: bool) -> dict[str, Any]:
    if _exact(new) != _exact(old):
        return dict(new)
    if may_move and any(_moved(new.get(name), old.get(name)) for name in FIGURES):
        return dict(new)
    kept = {name: old[name] for name in (*FIGURES, _WORDS) if name in old}
    return {**{name: value for name, value in new.items() if name not in (*FIGURES, _WORDS)}, **kept}


def _exact(lane: Raw) -> dict[str, Any]:
    rest = {name: value for name, value in lane.items() if name not in FIGURES}
    return {**rest, _WORDS: str(lane.get(_WORDS, "")).partition(":")[0]}


def _moved(new: float | None, old: float | None) -> bool:
    """Whether it changed by a tenth of what it was; what was or is unknown has changed if the other is not."""
    if new is None or old is None:
        return new is not old
    return new != old and abs(new - old) >= TENTH * abs(old)

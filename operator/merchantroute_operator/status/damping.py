"""Damps the status's figures: a status that followed every order would be written all the time.

A lane's figures move when one of them has changed by a tenth, or when all of them have stood still for a while: what is
left in the status when a route falls quiet is exact. The last move is some time ago then (``may_move``, ``between``).
All of them move along when the status is to be written anyway for what is no figure: another number of pods, another
reason, a fault. What changes every few seconds is in the operator's metrics, and exact there.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from merchantroute_operator.spec.route import Raw

EVERY = 10.0  # seconds between two moves
A_MERCHANT = 0.03  # seconds more for each in the spec: every write stores and sends the whole object
STILL = 10.0  # seconds without a change, after which figures are written as they are
DEAD = "dead"  # the key of the figure that stands alone
OWN = "own"  # with a merchant the key of the orders in its own queue; no tier has this name
TENTH = 0.1
_WAITING = "waiting"
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


def between(merchants: int) -> float:
    """Seconds between two moves of the figures of a route that lists so many merchants: 60 with 2,000."""
    return max(EVERY, A_MERCHANT * merchants)


@dataclass(slots=True)
class Standing:
    """Since when each lane's figures, and the dead letters, have stood still; times are monotonic seconds."""

    _since: dict[Hashable, tuple[Hashable, float]] = field(default_factory=dict)

    def take_in(
        self, lanes: Sequence[Raw], dead: int | None, waiting: Mapping[str, int], now: float
    ) -> frozenset[Hashable]:
        """Those that have not changed for ``STILL``: (tier, lane), ``DEAD``, and (``OWN``, merchant)."""
        seen: dict[Hashable, Hashable] = {
            _key(lane): tuple(lane.get(name) for name in (*FIGURES, _WORDS)) for lane in lanes
        }
        seen[DEAD] = dead
        seen |= {(OWN, merchant): count for merchant, count in waiting.items()}
        self._since = {key: (value, self._begun(key, value, now)) for key, value in seen.items()}
        return frozenset(key for key, (_, since) in self._since.items() if now - since >= STILL)

    def _begun(self, key: Hashable, value: Hashable, now: float) -> float:
        before, since = self._since.get(key, (None, now))
        return since if before == value else now


@dataclass(frozen=True, slots=True)
class Damping:
    """How freely figures move: none while ``may_move`` is false, and those in ``still`` however little."""

    may_move: bool = True
    still: Collection[Hashable] = ()
    exact: bool = False  # all of them, whatever the others say


NO_DAMPING = Damping(exact=True)


def damp_lanes(new: Sequence[Raw], old: Sequence[Raw], damping: Damping) -> list[dict[str, Any]]:
    """``new``, each lane with its figures as in ``old`` where they need not move."""
    before = {_key(lane): lane for lane in old}
    return [_lane(lane, before.get(_key(lane), {}), damping) for lane in new]


def damp_own(new: Sequence[Raw], old: Sequence[Raw], damping: Damping) -> list[dict[str, Any]]:
    """``new`` own queues, each with the orders that wait as in ``old`` where that need not move."""
    before = {queue.get("merchant"): queue for queue in old}
    return [_own(queue, before.get(queue["merchant"], {}), damping) for queue in new]


def damp_dead(new: int | None, old: int | None, damping: Damping) -> int | None:
    """The figure that stands alone."""
    return new if damping.exact or (damping.may_move and (DEAD in damping.still or _moved(new, old))) else old


def _key(lane: Raw) -> tuple[str | None, str | None]:
    return lane.get("tier"), lane.get("lane")


def _lane(new: Raw, old: Raw, damping: Damping) -> dict[str, Any]:
    moves = _key(new) in damping.still or any(_moved(new.get(name), old.get(name)) for name in FIGURES)
    if damping.exact or _exact(new) != _exact(old) or (damping.may_move and moves):
        return dict(new)
    kept = {name: old[name] for name in (*FIGURES, _WORDS) if name in old}
    return {**{name: value for name, value in new.items() if name not in (*FIGURES, _WORDS)}, **kept}


def _own(new: Raw, old: Raw, damping: Damping) -> dict[str, Any]:
    rest = {name: value for name, value in new.items() if name != _WAITING}
    is_new = rest != {name: value for name, value in old.items() if name != _WAITING}
    moves = (OWN, new["merchant"]) in damping.still or _moved(new.get(_WAITING), old.get(_WAITING))
    if damping.exact or is_new or (damping.may_move and moves):
        return dict(new)
    return {**rest, **({_WAITING: old[_WAITING]} if _WAITING in old else {})}


def _exact(lane: Raw) -> dict[str, Any]:
    rest = {name: value for name, value in lane.items() if name not in FIGURES}
    return {**rest, _WORDS: str(lane.get(_WORDS, "")).partition(":")[0]}


def _moved(new: float | None, old: float | None) -> bool:
    """Whether it changed by a tenth of what it was; what was or is unknown has changed if the other is not."""
    if new is None or old is None:
        return new is not old
    return new != old and abs(new - old) >= TENTH * abs(old)

"""A fault as a value: its name, what it does in words, and what it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.chaos_worker.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`strike` is called once publishing has begun, and runs beside it.

    `comes_back`: the fault gives orders back to the broker, so one may be run to its end again, and some come back
    twice: a pod of the suspect lane stands by. `begun_once`: though orders come back, none of which a call had begun,
    so none may be run to its end again. `own_broker`: it harms the broker itself. `hostile`: the pods run the
    app of apps/hostile.py. `memory_limit`: they run in containers that have one.
    """

    name: str
    what: str
    strike: Callable[[Stage], Awaitable[None]]
    comes_back: bool = False
    begun_once: bool = False
    own_broker: bool = False
    hostile: bool = False
    memory_limit: bool = False


async def _nothing(_: Stage) -> None:
    """No fault at all."""


NONE = Fault(name="none", what="nothing happens", strike=_nothing)

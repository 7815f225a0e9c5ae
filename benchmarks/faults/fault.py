"""A fault as a value: its name, what it does in words, what it needs, and how it strikes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`strike` is called once publishing has begun, and runs beside it.

    `begun_once`: though orders come back, none of which a call had begun, so none may be run to its end again.
    `may_spare`: whether an order comes back is chance: the node that it hits may be one that no pod is connected to.
    """

    name: str
    what: str
    strike: Callable[[Environment], Awaitable[None]]
    needs: Needs = Needs()  # noqa: RUF009 - it is frozen
    begun_once: bool = False
    may_spare: bool = False

    @property
    def runs_again(self) -> bool:
        """Whether an order that came back may be run to its end a second time."""
        return self.needs.comes_back and not self.begun_once

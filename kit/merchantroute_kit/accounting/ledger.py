"""The ledger: what became of every order of a run, by distinct order id.

Pure sets; nothing here asks anybody. Precedence is done before dead before queued. An order is done when its worker
said so AND the merchant's own book shows every step's effect; a worker's word alone is not enough.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepRecord:
    """The merchants' book on one step of one order: requests received, of them after it was done, and effects."""

    receipts: int
    effects: int
    repeats: int = 0


@dataclass(frozen=True)
class Completion:
    """A worker's word that it ran an order to its end. The same word heard twice is equal to itself."""

    order: str
    pod: str
    finished_at: int
    seconds: float
    attempts: int = 1
    redelivered: bool = False
    tier: str = ""
    merchant: str = ""


@dataclass(frozen=True)
class Evidence:
    """All that was seen of a run. `queued` is the number of messages in all of the route's queues but dead letters.

    `completions` is None where no worker says what it did: the merchants' book then stands alone.
    `redelivered` are ids that were delivered again for a known cause (a publish repeated for want of a confirm, a
    pod that was killed): they may leave second receipts, never second effects.
    """

    published: AbstractSet[str]
    completions: Iterable[Completion] | None
    dead: Mapping[str, str]
    book: Mapping[str, Mapping[str, StepRecord]]
    steps: tuple[str, ...]
    queued: int = 0
    redelivered: AbstractSet[str] = frozenset()
    dead_twice: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class Ledger:
    """The sets behind the figures. `missing` is published, and neither done nor dead: queued, and beyond that lost."""

    published: AbstractSet[str]
    done: AbstractSet[str]
    dead: AbstractSet[str]
    missing: AbstractSet[str]
    doubled: AbstractSet[str]
    copies: AbstractSet[str]
    queued: int
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Published - done - dead - queued, never below nothing."""
        return max(0, len(self.missing) - self.queued)

    def line(self) -> str:
        """The ledger in one line."""
        return (
            f"published {len(self.published)} = done {len(self.done)} + dead {len(self.dead)} + queued {self.queued}"
            f" + lost {self.lost}; doubled {len(self.doubled)}, copies {len(self.copies)}"
        )


def reckon(evidence: Evidence, only: AbstractSet[str] | None = None) -> Ledger:
    """The ledger of a run, or of the orders in `only` (a phase), to which what is queued is then charged first."""
    published = evidence.published if only is None else evidence.published & only
    by_order: dict[str, set[Completion]] = {}
    for completion in evidence.completions or ():
        by_order.setdefault(completion.order, set()).add(completion)
    unsaid = evidence.completions is None
    done = {order for order in published if (unsaid or order in by_order) and _served(evidence, order)}
    dead = {order for order in published if order in evidence.dead}
    missing = published - done - dead
    excused = evidence.redelivered | {
        order for order, said in by_order.items() if any(completion.redelivered for completion in said)
    }
    return Ledger(
        published=published,
        done=done,
        dead=dead - done,
        missing=missing,
        doubled={order for order in published if len(by_order.get(order, ())) > 1 or _twice(evidence, order)},
        copies={order for order in published - excused if order in evidence.dead_twice or _repeated(evidence, order)},
        queued=evidence.queued if only is None else min(evidence.queued, len(missing)),
        reasons={order: evidence.dead[order] for order in dead},
    )


def _served(evidence: Evidence, order: str) -> bool:
    book = evidence.book.get(order, {})
    return all(step in book and book[step].effects >= 1 for step in evidence.steps)


def _twice(evidence: Evidence, order: str) -> bool:
    return any(step.effects > 1 for step in evidence.book.get(order, {}).values())


def _repeated(evidence: Evidence, order: str) -> bool:
    return any(step.repeats > 0 for step in evidence.book.get(order, {}).values())

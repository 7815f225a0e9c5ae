"""The ledger of a window: the kit's, as it reads for programs that say nothing of what they have done. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from merchantroute_kit.accounting.ledger import Evidence, StepRecord, reckon

_STEPS = ("validate", "submit", "confirm")


@dataclass(frozen=True)
class WindowLedger:
    """`done` had every step received, `left` were in the queues at the end; an order whose ack came too late is both.
    `lost` are neither, `repeated` had a step received more than once. `ended` says whether SIGTERM was enough.
    """

    published: int
    done: int
    left: int
    lost: int
    repeated: int
    ended: bool

    def failures(self, *, ours: bool) -> list[str]:
        """What must not be: a lost order for anybody, a repeated step for this worker, which nobody killed."""
        found = [f"{self.lost} orders are lost"] if self.lost else []
        if ours and self.repeated:
            found.append(f"{self.repeated} orders have a step that was received twice")
        if ours and not self.ended:
            found.append("SIGTERM did not end it")
        return found

    @property
    def dry(self) -> bool:
        """Whether the orders did not last: the window then shows less than the contender can do."""
        return bool(self.published) and not self.left


def reckoned(
    published: Iterable[str], received: Mapping[str, Sequence[int]], left: Iterable[str], *, ended: bool
) -> WindowLedger:
    """From the ids published and left, and the receipts by order and step. Without a broker nothing is published, and
    nothing can be lost: then the orders are those that merchants have heard of.
    """
    ids, waiting = set(published), set(left)
    book = {order: dict(zip(_STEPS, map(_record, receipts), strict=True)) for order, receipts in received.items()}
    ledger = reckon(Evidence(published=ids or received.keys(), completions=None, dead={}, book=book, steps=_STEPS))
    return WindowLedger(
        published=len(ids),
        done=len(ledger.done),
        left=len(waiting),
        lost=len((ledger.missing & ids) - waiting),
        repeated=len(ledger.copies),
        ended=ended,
    )


def _record(receipts: int) -> StepRecord:
    """The fast merchant knows no idempotency: it takes every call, and each after the first is one too many."""
    return StepRecord(receipts, effects=min(receipts, 1), repeats=max(0, receipts - 1))

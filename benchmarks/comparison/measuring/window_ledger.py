"""What became of every order of a window, by its id. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ledger:
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
    published: Iterable[str], book: Mapping[str, Sequence[int]], left: Iterable[str], *, ended: bool
) -> Ledger:
    """From the ids published and left, and the receipts by order and step."""
    ids, waiting = set(published), set(left)
    done = {order for order, receipts in book.items() if all(receipts)}
    return Ledger(
        published=len(ids),
        done=len(done),
        left=len(waiting),
        lost=len(ids - done - waiting),
        repeated=sum(max(receipts) > 1 for receipts in book.values()),
        ended=ended,
    )

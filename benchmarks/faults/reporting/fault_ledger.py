"""The ledger of a fault, by distinct order id. Pure: observed orders and the merchants' book in, one row out.

An order is done when a pod said so and the merchants' book shows an effect of every step. `doubled` is an order with a
step that took effect more than once, or one that was run to its end twice without a cause. The causes are known: a pod
that dies, or loses its connection, between an order's record and its ack leaves the order to another pod, which finds
every step done already at a merchant that honours the key; and a producer that got no confirm publishes again. Such
orders are `redelivered`, as are all that reached a pod or a step of a merchant again; `again` are those of them that
were run to their end again.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from merchantroute_kit.accounting.ledger import Completion, Evidence, Ledger, StepRecord, reckon

_SUSPECT = "suspect"  # stands where a tier would in the records of the suspect lane
Book = Mapping[str, Mapping[str, StepRecord]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table. `failures` say what must not be, in words; the rest are numbers of distinct orders."""

    fault: str
    published: int
    done: int
    dead: int
    lost: int
    doubled: int
    redelivered: int
    again: int
    queued: int
    restarts: int
    seconds: float
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The row for build/chaos-worker.json."""
        return {**asdict(self), "failures": list(self.failures)}


def excused(said: list[Completion], *, comes_back: bool, published_again: bool) -> bool:
    """Whether a second run to the end has a cause. Without a fault that gives orders back, only the producer is one.

    An order that waited on the ladder (more than one attempt) may be there twice: its pod died after the rung had it.
    So may one that was set apart; and that it was in the suspect lane says that the broker had handed it out before.
    """
    handed_out_again = any(one.redelivered or one.attempts > 1 or one.tier == _SUSPECT for one in said)
    return published_again or (comes_back and handed_out_again)


def reckoned(
    *,
    published: Collection[str],
    completions: Mapping[str, list[Completion]],
    dead: Mapping[str, str],
    book: Book,
    steps: tuple[str, ...],
    queued: int,
    published_again: Collection[str],
    comes_back: bool,
) -> tuple[Ledger, set[str], set[str]]:
    """The ledger, the ids that were redelivered, and those that were run to their end again for a known cause."""
    again = {
        order
        for order, said in completions.items()
        if len(said) > 1 and excused(said, comes_back=comes_back, published_again=order in published_again)
    }
    heard = [one for order, said in completions.items() for one in (said[:1] if order in again else said)]
    ledger = reckon(
        Evidence(published=set(published), completions=heard, dead=dead, book=book, steps=steps, queued=queued)
    )
    back = {
        order for order, said in completions.items() if any(one.redelivered or one.tier == _SUSPECT for one in said)
    }
    called_again = {order for order, seen in book.items() if any(step.repeats for step in seen.values())}
    return ledger, (back | again | called_again) & set(published), again


def failures(ledger: Ledger, *, expected_dead: Collection[str], orders: int) -> list[str]:
    """What must not be, in words, with ids to look for."""
    found = []
    if len(ledger.published) < orders:
        found.append(f"only {len(ledger.published)} of {orders} orders were published")
    for name, ids in (("not ended", ledger.missing), ("doubled", ledger.doubled)):
        if ids:
            found.append(f"{len(ids)} orders {name}: {', '.join(sorted(ids)[:5])}")
    innocent = ledger.dead - set(expected_dead)
    if innocent:
        reasons = sorted({ledger.reasons[order] for order in innocent})
        some = ", ".join(sorted(innocent)[:5])
        found.append(f"{len(innocent)} innocent orders are dead ({', '.join(reasons)}): {some}")
    if guilty := set(expected_dead) - ledger.dead:
        found.append(f"not in dead letters: {', '.join(sorted(guilty))}")
    return found

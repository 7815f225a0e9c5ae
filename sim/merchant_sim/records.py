"""The merchants' own book: every request received, and every effect an order had.

A receipt belongs to its Idempotency-Key (`<order id>:<step>`). An effect belongs to the order that the request's
content names (the `id` in a POST's body, the id in a GET's path), whatever its key and whichever merchant it
reached: a step carried out under two keys, or at two merchants, is two effects. So neither a second delivery nor a
second ticket can hide behind a key.

Held in memory, bounded by the number of orders: the oldest are forgotten and counted in `forgotten`.
"""

from collections import OrderedDict
from collections.abc import Iterator


class Step:
    """One order's step: receipts, those of them that came after it had been carried out (`repeats`), the distinct
    contents seen, and who had it carried out (merchant, key).
    """

    __slots__ = ("bodies", "carried_out", "receipts", "repeats")

    def __init__(self) -> None:
        self.receipts = 0
        self.repeats = 0
        self.bodies: tuple[bytes, ...] = ()
        self.carried_out: tuple[tuple[str, str], ...] = ()


class Records:
    """Receipts and effects of at most `limit` orders."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._orders: OrderedDict[str, dict[str, Step]] = OrderedDict()
        self.receipts = 0
        self.effects = 0
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._orders)

    def receive(self, key: str, content: bytes) -> bool:
        """Note one request. False if this key came before with another content."""
        order, _, step = key.rpartition(":")
        record = self._step(order, step)
        record.receipts += 1
        record.repeats += bool(record.carried_out)
        self.receipts += 1
        if content not in record.bodies:
            record.bodies = (*record.bodies, content)
        return len(record.bodies) == 1

    def carry_out(self, order: str, merchant: str, key: str) -> bool:
        """Let a step take effect on the order that its content names. False: this key already did (a repeat)."""
        record = self._step(order, key.rpartition(":")[2])
        if (merchant, key) in record.carried_out:
            return False
        record.carried_out = (*record.carried_out, (merchant, key))
        self.effects += 1
        return True

    def summary(self, prefix: str = "") -> Iterator[tuple[str, dict[str, dict[str, int]]]]:
        """(order id, {step: {"receipts", "repeats", "effects", "bodies"}}) of each order whose id begins so."""
        for order, steps in self._orders.items():
            if order.startswith(prefix):
                yield (
                    order,
                    {
                        name: {
                            "receipts": step.receipts,
                            "repeats": step.repeats,
                            "effects": len(step.carried_out),
                            "bodies": len(step.bodies),
                        }
                        for name, step in steps.items()
                    },
                )

    def clear(self) -> None:
        """Forget all, as a restart would."""
        self._orders.clear()
        self.receipts = self.effects = self.forgotten = 0

    def _step(self, order: str, name: str) -> Step:
        steps = self._orders.get(order)
        if steps is None:
            while len(self._orders) >= self._limit:
                self._orders.popitem(last=False)
                self.forgotten += 1
            steps = self._orders[order] = {}
        step = steps.get(name)
        if step is None:
            step = steps[name] = Step()
        return step

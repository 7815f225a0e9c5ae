"""Orders between `publish` and their publisher confirm. No I/O, no clock, and no lock of its own."""

from collections.abc import Callable, Sequence

from merchantroute_worker.client.message import Message
from merchantroute_worker.client.results import NotSafe, Receipt
from merchantroute_worker.rabbit.confirms import MessageKey


class Pending:
    """One order between its caller, who waits, and the sender. All of it is under the sender's lock.

    `one_attempt`: it is given up when its first attempt fails.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        self.batch: Batch | None = None
        self.one_attempt = False
        self.outcome: Receipt | NotSafe | None = None
        self.attempts = 0
        self.problem: str | None = None
        self.in_flight = False
        self._unknown = False

    def publishing(self) -> None:
        """Count an attempt: from now on the order may arrive."""
        self.attempts += 1
        self.in_flight = True

    def failed(self, problem: str, *, unknown: bool) -> None:
        """Note that an attempt got no confirm. `unknown`: it may have arrived nevertheless, and no later attempt makes
        that untrue.
        """
        self.in_flight = False
        self.problem = problem
        self._unknown = self._unknown or unknown

    def confirmed(self) -> None:
        """Settle the order with a receipt: the broker confirmed it."""
        message = self.message
        self._settle(
            Receipt(
                order_id=message.order_id,
                merchant=message.merchant,
                published_at=message.published_at,
                attempts=self.attempts,
            )
        )

    def timeout_reason(self, within: float) -> str:
        """The problem to report when `within` (seconds) ends. An attempt under way does not hide why the one before it
        failed.
        """
        unanswered = f"no confirm within {within:g} s"
        if self.problem is None:
            return unanswered
        return f"{unanswered}, and before that: {self.problem}" if self.in_flight else self.problem

    def give_up(self, problem: str) -> None:
        """Settle the order as not safe. A confirm that comes later changes nothing: the caller has its answer."""
        message, unknown = self.message, self._unknown or self.in_flight
        self._settle(NotSafe(message.order_id, message.merchant, problem, unknown, self.attempts))

    def _settle(self, outcome: Receipt | NotSafe) -> None:
        if self.outcome is None:
            self.outcome = outcome
            if self.batch is not None:
                self.batch.settled_one()


class Batch:
    """The orders that one caller waits for. `wake` is called when the last of them is settled, by whoever settles it
    and under the sender's lock: it must neither block nor raise.
    """

    def __init__(self, orders: Sequence[Pending], wake: Callable[[], None]) -> None:
        self.orders = orders
        self._wake = wake
        self._left = len(orders)
        for order in orders:
            order.batch = self

    def settled_one(self) -> None:
        """Count one of the orders as settled."""
        self._left -= 1
        if self._left == 0:
            self._wake()


class Unconfirmed:
    """The unconfirmed orders of one channel by delivery tag; tags count from 1, as RabbitMQ counts them.

    `settle` is called for each answer with the order, whether the broker refused it (nack), and the reason with which
    it was returned as unroutable. RabbitMQ returns a mandatory message that no queue takes before it confirms it, and
    without its tag: the return is matched by merchant and order id, the oldest publish first.
    """

    def __init__(self, settle: Callable[[Pending, bool, str | None], None]) -> None:
        self._settle = settle
        self.restart()

    def __len__(self) -> int:
        return len(self._waiting)

    def restart(self) -> None:
        """Begin with a new channel, without orders."""
        self._last = 0
        self._waiting: dict[int, tuple[Pending, float]] = {}
        self._returned: dict[int, str] = {}

    def add(self, pending: Pending, now: float) -> None:
        """Add the next publish of the channel; `now` in monotonic seconds."""
        self._last += 1
        self._waiting[self._last] = (pending, now)

    def oldest(self) -> float:
        """When the order was published that has waited longest. Only asked while there is one."""
        return next(iter(self._waiting.values()))[1]

    def restart_clocks(self, now: float) -> None:
        """Count the time from now on: a broker that blocks its publishers does not confirm either."""
        self._waiting = {tag: (pending, now) for tag, (pending, _) in self._waiting.items()}

    def returned(self, key: MessageKey, reason: str) -> None:
        """Note a `basic.return`; the confirm that follows then means that the order is in no queue."""
        identity = key[1:]
        for tag, (pending, _) in self._waiting.items():
            if (pending.message.merchant, pending.message.order_id) == identity and tag not in self._returned:
                self._returned[tag] = reason
                return

    def answered(self, tag: int, multiple: bool, *, nacked: bool) -> None:
        """Settle the order of a tag, and with `multiple` all orders before it."""
        tags = [other for other in self._waiting if other <= tag] if multiple else [tag]
        for one in tags:
            entry = self._waiting.pop(one, None)
            if entry:
                self._settle(entry[0], nacked, self._returned.pop(one, None))

    def lost(self) -> list[Pending]:
        """Remove all orders and give them: the channel is gone, so no answer will come."""
        waiting, self._waiting = self._waiting, {}
        self._returned.clear()
        return [pending for pending, _ in waiting.values()]

"""The roll of a run: all that was published, and all that was heard of it since. The ledger and the table read it."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from merchantroute_demo.ledger import Completion, Evidence, StepRecord
from merchantroute_demo.replay import Published
from merchantroute_demo.route import Route


@dataclass
class Roll:
    """Grows while the run lasts; every figure is computed from it, none is kept beside it."""

    route: Route
    published: dict[str, Published] = field(default_factory=dict)
    completions: dict[str, list[Completion]] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    dead_twice: set[str] = field(default_factory=set)

    def publish(self, order: Published) -> None:
        """A confirmed publish."""
        self.published[order.order] = order

    def complete(self, completion: Completion) -> None:
        """A completion record; the same one heard again changes nothing."""
        said = self.completions.setdefault(completion.order, [])
        if completion not in said:
            said.append(completion)

    def die(self, order: str, reason: str) -> None:
        """A dead letter; a second one of the same order is a copy."""
        if order in self.dead:
            self.dead_twice.add(order)
        self.dead[order] = reason

    def tier(self, merchant: str) -> str:
        """The tier of a merchant of the route."""
        return self.route.merchants.get(merchant, "?")

    def open(self) -> set[str]:
        """Orders of which neither a completion nor a dead letter was heard."""
        return self.published.keys() - self.completions.keys() - self.dead.keys()

    def orders(
        self, *, phase: str | None = None, tiers: Iterable[str] | None = None, merchant: str | None = None
    ) -> set[str]:
        """The published orders of a phase, of some tiers, of one merchant."""
        return {
            order.order
            for order in self.published.values()
            if (phase is None or order.phase == phase)
            and (tiers is None or self.tier(order.merchant) in tiers)
            and (merchant is None or order.merchant == merchant)
        }

    def healthy_seconds(self, phase: str, hung: str) -> list[float]:
        """Publish to done of the good orders of a phase for the other merchants of the hung merchant's tier."""
        orders = self.orders(phase=phase, tiers=[self.tier(hung)]) - self.orders(merchant=hung)
        return self._seconds(orders)

    def control_seconds(self, phase: str, hung: str) -> list[float]:
        """The same of all other tiers, whose queues and pods the hang cannot reach: what they feel is the machine."""
        return self._seconds(self.orders(phase=phase, tiers=self.route.tiers.keys() - {self.tier(hung)}))

    def _seconds(self, orders: set[str]) -> list[float]:
        return [self.completions[order][0].seconds for order in orders if order in self.completions]

    def evidence(self, book: dict[str, dict[str, StepRecord]], queued: int, redelivered: AbstractSet[str]) -> Evidence:
        """What the ledger reckons with."""
        return Evidence(
            published=self.published.keys(),
            completions=[one for said in self.completions.values() for one in said],
            dead=self.dead,
            dead_twice=self.dead_twice,
            book=book,
            steps=self.route.steps,
            queued=queued,
            redelivered=redelivered,
        )

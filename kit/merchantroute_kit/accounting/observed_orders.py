"""Observed orders of a run: published, done, dead; ledgers and tables are computed from them."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from merchantroute_kit.accounting.ledger import Completion, Evidence, StepRecord


@dataclass(frozen=True)
class Published:
    """One published order: its id, for whom, in which phase, why it must die if it must, and when (ms since epoch)."""

    order: str
    merchant: str = ""
    phase: str = ""
    malformed: str | None = None
    at: int = 0


@dataclass
class ObservedOrders:
    """Grows while a run lasts; every figure is computed from it, none is kept beside it.

    `steps` are the route's, `tiers` maps a merchant's id to its tier where tiers are told apart.
    """

    steps: tuple[str, ...]
    tiers: Mapping[str, str] = field(default_factory=dict)
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
        return self.tiers.get(merchant, "?")

    def open(self) -> set[str]:
        """Published orders of which neither a completion nor a dead letter was heard."""
        return self.published.keys() - self.completions.keys() - self.dead.keys()

    @property
    def ended(self) -> int:
        """Distinct orders that are done or dead."""
        return len(self.completions) + sum(order not in self.completions for order in self.dead)

    @property
    def backlog(self) -> int:
        """About as many as are open, without a look at each: an order may end before its confirm is heard."""
        return len(self.published) - self.ended

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

    def seconds(self, orders: Iterable[str]) -> list[float]:
        """From publish to done, of those of the orders that are done."""
        return [self.completions[order][0].seconds for order in orders if order in self.completions]

    def evidence(
        self, book: Mapping[str, Mapping[str, StepRecord]], queued: int, redelivered: AbstractSet[str]
    ) -> Evidence:
        """What the ledger is reckoned from."""
        return Evidence(
            published=self.published.keys(),
            completions=[one for said in self.completions.values() for one in said],
            dead=self.dead,
            dead_twice=self.dead_twice,
            book=book,
            steps=self.steps,
            queued=queued,
            redelivered=redelivered,
        )

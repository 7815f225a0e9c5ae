"""A route of one tier under `decide`, tick by tick: what pods report is written down, what follows is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from merchantroute_operator.isolation.decide import Decision, decide
from merchantroute_operator.isolation.groups.route_groups import Groups
from merchantroute_operator.isolation.history import Memory
from merchantroute_operator.isolation.isolation_events import IsolationEvent
from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures, OwnQueue, PodFigures, Policy, Waiting
from merchantroute_operator.status.own_queues import entries, remembered

TIER = "gold"
EPOCH = 1_700_000_000.0
TICK = 2.0
Report = Mapping[str, MerchantFigures]


def slow(merchant: str, *, in_flight: int = 1, failed: int = 0, refused: int = 0) -> dict[str, MerchantFigures]:
    """A pod's report of a merchant that hangs."""
    return {merchant: MerchantFigures(merchant, in_flight, slow=True, failed=failed, refused=refused)}


def well(merchant: str, *, in_flight: int = 0, succeeded: int = 0, refused: int = 0) -> dict[str, MerchantFigures]:
    """A pod's report of a merchant that answers."""
    return {merchant: MerchantFigures(merchant, in_flight, succeeded=succeeded, refused=refused)}


def limiting(
    merchant: str, limited: int, *, in_flight: int = 0, succeeded: int = 0, paused_for: float = 0.0
) -> dict[str, MerchantFigures]:
    """A pod's report of a merchant that answered so many orders with 429."""
    return {
        merchant: MerchantFigures(
            merchant, in_flight, succeeded=succeeded, failed=limited, limited=limited, paused_for=paused_for
        )
    }


def workers_of(queues: Mapping[str, OwnQueue], pods: Sequence[PodFigures]) -> dict[str, list[str]]:
    """The pods that have a part of each queue: those that say that they have worked its orders."""
    return {
        name: [
            pod.pod
            for pod in pods
            if (seen := pod.merchants.get(name)) is not None and (seen.in_flight or seen.succeeded or seen.failed)
        ]
        for name in queues
    }


@dataclass
class Route:
    """A route under its operator. What opens is bound, and what closes is gone, before the next tick."""

    policy: Policy = field(default_factory=Policy)
    active: int = 10
    busy: int = 20
    fair: int = 12
    now: float = 1_000.0
    memory: Memory = field(default_factory=Memory)
    queues: dict[str, OwnQueue] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    events: list[tuple[float, IsolationEvent]] = field(default_factory=list)
    started: int = 1
    groups: Mapping[str, GroupFigures] = field(default_factory=dict)
    slow: int = 0
    merchants: Mapping[str, str] = field(default_factory=dict)
    member_of: Groups | None = None
    backlog: int = 0
    elsewhere: Mapping[str, Sequence[PodFigures]] = field(default_factory=dict)
    workers: Mapping[str, Sequence[str]] | None = None

    def tick(self, *reports: Report) -> Decision:
        """One tick with these pods' reports."""
        self.now += TICK
        pods = [
            PodFigures(
                f"pod-{place}", self.started, self.now, 50, self.active, self.fair, report,
                busy=self.busy, groups=self.groups, slow=self.slow,
            )
            for place, report in enumerate(reports)
        ]  # fmt: skip
        decision = decide(
            self.now,
            EPOCH + self.now,
            self.policy,
            pods={TIER: pods, **self.elsewhere},
            merchants=self.merchants,
            default_tier=TIER,
            waiting={name: self.waiting.get(name, Waiting(0, 0)) for name in self.queues},
            queues=self.queues,
            memory=self.memory,
            groups=self.member_of,
            backlog={TIER: self.backlog},
            workers=workers_of(self.queues, pods) if self.workers is None else self.workers,
        )
        self.memory = decision.memory
        self.queues = {
            name: replace(queue, stage="Open") for name, queue in decision.queues.items() if queue.stage != "Closing"
        }
        self.events += [(self.now, event) for event in decision.events]
        return decision

    def ticks(self, seconds: float, *reports: Report) -> Decision:
        """Ticks for so many seconds with the same reports."""
        end = self.now + seconds
        decision = self.tick(*reports)
        while self.now < end:
            decision = self.tick(*reports)
        return decision

    def restart(self) -> None:
        """The operator starts anew: it knows what the route's status says, and nothing else."""
        self.queues = remembered({"ownQueues": entries(self.queues.values(), {})})
        self.memory = Memory()

    def told(self, reason: str) -> list[str]:
        """The texts of events with this reason."""
        return [event.text for _, event in self.events if event.reason == reason]

    def times(self, reason: str) -> list[float]:
        """When events with this reason were told."""
        return [at for at, event in self.events if event.reason == reason]


def isolated(route: Route, merchant: str = "hung") -> Route:
    """Let a merchant hang in all pods, and be isolated."""
    route.tick({}, {}, {}, {})
    route.tick(*[slow(merchant)] * 4)
    assert merchant in route.queues
    return route

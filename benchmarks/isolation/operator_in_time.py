"""The operator in virtual time: its real `decide` and division over pods at each tick, and how long both take to work.

Pods pulse every 2 s, at once when a merchant turns slow or asks for time there. A decision is written as a
configuration that each pod loads within 0.7 s; when all have it, what opens is bound. What closes is unbound at once,
and gone when it is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.isolation.fleet import EPOCH, Fleet
from benchmarks.isolation.fleet_pod import HOST, FleetPod, Part
from merchantroute_operator.isolation.decide import decide
from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.history import Memory
from merchantroute_operator.isolation.model import OwnQueue, PodFigures, Policy, Waiting
from merchantroute_operator.isolation.parts import Written, may_run, most_pods, parts_to_write
from merchantroute_operator.spec.route import Merchant

TICK = 2.0
LOADED_WITHIN = 0.7
LOOK_FOR_SLOW = 0.25
"""Seconds between two looks of a pod whether a merchant has turned slow."""
TIER = "only"


@dataclass
class _Document:
    """One generation of the configuration."""

    generation: int = 0
    parts: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    queues: Mapping[int, OwnQueue] = field(default_factory=dict)
    bound: frozenset[int] = frozenset()


def _at_host(merchant: int) -> Merchant:
    return Merchant(str(merchant), TIER, f"https://{HOST}", credentials=None)


class OperatorInTime:
    """Operates a fleet by its policy."""

    def __init__(self, fleet: Fleet, policy: Policy) -> None:
        self.fleet, self.policy = fleet, policy
        self.memory = Memory()
        self._groups = RouteGroups([_at_host(merchant) for merchant in fleet.scenario.one_host], None)
        self.queues: dict[str, OwnQueue] = {}
        self.events: list[tuple[float, str]] = []
        self.changes = 0
        self._pulses: dict[str, PodFigures] = {}
        self._document = _Document()
        self._written: dict[int, tuple[Written, ...]] = {}
        fleet.at(TICK, self._tick)
        fleet.at(LOOK_FOR_SLOW, self._look)

    def _look(self) -> None:
        fleet = self.fleet
        for place, pod in enumerate(fleet.pods):
            due = int((fleet.now + place * 0.3) / TICK) != int((fleet.now + place * 0.3 - LOOK_FOR_SLOW) / TICK)
            if not pod.ending and (due or pod.has_news(fleet.now)):
                self._pulses[pod.name] = pod.pulse(fleet.now)
        fleet.at(fleet.now + LOOK_FOR_SLOW, self._look)

    def _tick(self) -> None:
        fleet = self.fleet
        fleet.at(fleet.now + TICK, self._tick)
        self._forget_drained()
        staying = [self._pulses[pod.name] for pod in fleet.pods if pod.name in self._pulses and not pod.ending]
        decision = decide(
            fleet.now,
            EPOCH + fleet.now,
            self.policy,
            pods={TIER: staying},
            merchants={str(merchant): TIER for merchant in fleet.scenario.one_host},
            default_tier=TIER,
            waiting={name: self._waiting(int(name)) for name in self.queues},
            queues=self.queues,
            memory=self.memory,
            backlog={TIER: len(fleet.lane)},
            groups=self._groups,
            workers={
                str(merchant): [pod for pod, part in parts.items() if part]
                for merchant, parts in self._document.parts.items()
            },
        )
        self._note(decision.queues)
        self.memory, self.queues = decision.memory, dict(decision.queues)
        self.events += [(fleet.now, event.text) for event in decision.events]
        closing = {int(name) for name, queue in self.queues.items() if queue.stage == "Closing"}
        fleet.bound -= closing
        self._write()

    def _waiting(self, merchant: int) -> Waiting:
        return Waiting(len(self.fleet.own.get(merchant, ())), self.fleet.in_flight[merchant])

    def _forget_drained(self) -> None:
        for name, queue in list(self.queues.items()):
            if queue.stage == "Closing" and not self.fleet.own.get(int(name)):
                del self.queues[name]
                self._written.pop(int(name), None)

    def _note(self, queues: Mapping[str, OwnQueue]) -> None:
        for name, queue in queues.items():
            before = self.queues.get(name)
            if queue.stage == "Opening" and (before is None or before.stage == "Closing"):
                self.fleet.happened.opened.append((self.fleet.now, int(name)))

    def _write(self) -> None:
        """Write a generation, if there is anything new."""
        fleet = self.fleet
        loaded: dict[str, int | None] = {pod.name: pod.loaded for pod in fleet.pods if not pod.ending or pod.busy}
        parts: dict[int, Mapping[str, int]] = {}
        for name, queue in self.queues.items():
            merchant = int(name)
            written = may_run(self._written.get(merchant, ()), loaded)
            running = {pod.name: pod.running[merchant] for pod in fleet.pods if merchant in pod.parts}
            wanted = {pod.name for pod in fleet.pods if not pod.ending}
            parts[merchant] = self._divided(queue, wanted, loaded, written, running)
            self._written[merchant] = written
        document = _Document(self._document.generation + 1, parts, {int(n): q for n, q in self.queues.items()})
        document.bound = frozenset(fleet.bound)
        if (document.parts, document.queues, document.bound) == (
            self._document.parts,
            self._document.queues,
            self._document.bound,
        ):
            return
        self._document = document
        self.changes += 1
        for merchant, those in parts.items():
            self._written[merchant] = (*self._written[merchant], Written(document.generation, those))
        for place, pod in enumerate(fleet.pods):
            fleet.at(fleet.now + LOADED_WITHIN * (place + 1) / len(fleet.pods), self._load, pod)

    @staticmethod
    def _divided(
        queue: OwnQueue,
        wanted: set[str],
        loaded: Mapping[str, int | None],
        written: tuple[Written, ...],
        running: Mapping[str, int],
    ) -> Mapping[str, int]:
        """The parts. Ending pods take nothing more, and what runs there comes off the share."""
        ending = sum(running.get(pod, 0) for pod in loaded.keys() - wanted)
        staying = {pod: generation for pod, generation in loaded.items() if pod in wanted}
        over = most_pods(queue.rate, queue.burst, found=queue.found)
        return parts_to_write(max(0, queue.share - ending), queue.merchant, staying, written, running, over)

    def _load(self, pod: FleetPod) -> None:
        document, now = self._document, self.fleet.now
        pod.loaded = document.generation
        before = pod.parts
        pod.parts = {
            merchant: self._part(pod, merchant, those, document, before.get(merchant), now)
            for merchant, those in document.parts.items()
        }
        queues = {queue.merchant: queue for queue in document.queues.values()}
        rated = {name for name, queue in queues.items() if queue.rate is not None}
        pauses = {name: queue.paused_until - EPOCH - now for name, queue in queues.items()}
        pod.bulkhead.refusals.take_fleet(pauses, rated, now)
        if all(each.loaded == document.generation for each in self.fleet.pods if not each.ending):
            self._bind(document)

    def _part(
        self,
        pod: FleetPod,
        merchant: int,
        parts: Mapping[str, int],
        document: _Document,
        before: Part | None,
        now: float,
    ) -> Part:
        queue, count, total = document.queues[merchant], parts.get(pod.name, 0), sum(parts.values())
        rate = None if queue.rate is None else max(1e-9, queue.rate * count / max(1, total))
        burst = max(1.0, queue.burst * count / max(1, total))
        part = Part(count, rate, burst, now, bound=merchant in document.bound)
        if before is not None and before.rate is not None:
            before.wait(now)
            part.tokens = min(burst, before.tokens)
        return part

    def _bind(self, document: _Document) -> None:
        for name, queue in list(self.queues.items()):
            if queue.stage == "Opening" and int(name) in document.parts:
                self.queues[name] = replace(queue, stage="Open")
                self.fleet.bound.add(int(name))
                self.fleet.happened.bound.setdefault(int(name), self.fleet.now)

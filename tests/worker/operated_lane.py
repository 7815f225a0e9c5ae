"""The operator's decisions on a lane's own queues, from the pulses that its pods send, made true at the broker.

Without a cluster nothing else of the operator runs: each decision is written into the files that the pods read.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_operator.isolation.decide import decide
from merchantroute_operator.isolation.groups.limited_groups import GroupPlan, Member, plan_groups
from merchantroute_operator.isolation.groups.route_groups import ALONE, Groups
from merchantroute_operator.isolation.history import Memory
from merchantroute_operator.isolation.model import OwnQueue, PodFigures, Policy, Waiting
from merchantroute_operator.isolation.parts import most_pods, wanted_parts
from merchantroute_operator.rabbit.pulses.pulse_format import parse_pulse
from merchantroute_operator.scaling.model import Pulse

TICK = 2.0


class OperatedLane:
    """Decides for one lane every two seconds, whenever somebody looks. ``groups`` are those of its merchants."""

    def __init__(self, lane: LocalLane, policy: Policy | None = None, groups: Groups = ALONE) -> None:
        self.lane, self.policy, self.groups = lane, policy or Policy(), groups
        self._plan, self._said = GroupPlan(), dict[str, tuple[object, ...]]()
        self.queues: dict[str, OwnQueue] = {}
        self.opened: list[OwnQueue] = []
        self._memory, self._pulses, self._due = Memory(), dict[str, Pulse](), 0.0
        self._workers: dict[str, list[str]] = {}

    def look(self) -> None:
        """Decide if it is time."""
        now = time.monotonic()
        self._hear(now)
        if now < self._due:
            return
        self._due = now + TICK
        decision = decide(
            now,
            time.time(),
            self.policy,
            pods={topology.TIER: [_figures(pulse) for pulse in self._pulses.values() if pulse.slots is not None]},
            merchants={},
            default_tier=topology.TIER,
            waiting={merchant: self._waiting(merchant) for merchant in self.queues},
            queues=self.queues,
            memory=self._memory,
            groups=self.groups,
            workers=self._workers,
        )
        self._memory = decision.memory
        self._plan_groups(decision.queues, now)
        for merchant, queue in decision.queues.items():
            self._make(merchant, queue)

    def _hear(self, now: float) -> None:
        while message := self.lane.channel.basic_get(topology.PULSES, no_ack=True):
            body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
            pulse = parse_pulse(body, at=now)
            assert pulse is not None, body
            self._pulses[pulse.pod] = pulse

    def _waiting(self, merchant: str) -> Waiting:
        ready = self.lane.channel.queue_declare(topology.own_queue(merchant), passive=True).message_count
        figures = [pulse.merchants[merchant] for pulse in self._pulses.values() if merchant in pulse.merchants]
        return Waiting(int(ready), sum(each.in_flight for each in figures))

    def _make(self, merchant: str, queue: OwnQueue) -> None:
        """Tell the pods; lead to a queue, or away from it, one tick after they were told of it first."""
        before = self.queues.get(merchant)
        if before is None:
            topology.declare_own_queue(self.lane.channel, merchant)
            self.opened.append(queue)
        elif before.stage == queue.stage == "Opening":
            topology.bind_own_queue(self.lane.channel, merchant)
            queue = replace(queue, stage="Open")
        self.queues[merchant] = queue
        said = (*_told(queue), self._plan.members.get(merchant))
        if self._said.get(merchant) != said:
            self._said[merchant] = said
            self._tell(merchant, queue)

    def _plan_groups(self, queues: Mapping[str, OwnQueue], now: float) -> None:
        """Divide groups with limits, before their merchants are told."""
        limits = self.policy.group_limits
        members = [
            Member(name, topology.TIER, self.groups.of(name), queue.share, self._orders(name))
            for name, queue in queues.items()
            if self.groups.of(name) in limits
        ]
        slots = {topology.TIER: sum(pulse.slots or 0 for pulse in self._pulses.values())}
        self._plan = plan_groups(limits, members, slots, now, self._plan)
        self.lane.own_groups = [
            {"name": name, "parts": [parts[pod] for pod in self.lane.own_pods]}
            | ({} if share.rate is None else {"rate": share.rate, "burst": share.burst})
            for (_, name), share in self._plan.shares.items()
            for parts in (self._group_parts(name),)
        ]

    def _orders(self, merchant: str) -> int:
        if merchant not in self.queues:
            return 0
        waiting = self._waiting(merchant)
        return waiting.ready + waiting.in_flight

    def _group_parts(self, group: str) -> Mapping[str, int]:
        share = self._plan.shares[topology.TIER, group]
        return wanted_parts(share.share, group, self.lane.own_pods, most_pods(share.rate, share.burst))

    def _tell(self, merchant: str, queue: OwnQueue) -> None:
        pods, over, share = self.lane.own_pods, most_pods(queue.rate, queue.burst, found=queue.found), queue.share
        more: dict[str, Any] = {} if queue.rate is None else {"rate": queue.rate, "burst": queue.burst}
        more |= {"pausedUntil": round(queue.paused_until * 1000)} if queue.paused_until else {}
        if merchant in self._plan.members:
            group, share = self.groups.of(merchant), self._plan.members[merchant]
            pods = [pod for pod, part in self._group_parts(group).items() if part]
            more |= {"group": group}
        parts: Mapping[str, int] = wanted_parts(share, topology.own_queue(merchant), pods, over)
        self._workers[merchant] = [pod for pod, part in parts.items() if part]
        bound = queue.stage == "Open"
        self.lane.own(merchant, *(parts.get(pod, 0) for pod in self.lane.own_pods), bound=bound, **more)


def _told(queue: OwnQueue) -> tuple[object, ...]:
    return queue.stage, queue.share, queue.rate, queue.burst, queue.paused_until


def _figures(pulse: Pulse) -> PodFigures:
    return PodFigures(
        pod=pulse.pod,
        started=pulse.started,
        at=pulse.at,
        slots=pulse.slots or 0,
        active=pulse.active,
        fair_share=pulse.fair_share,
        merchants=pulse.merchants,
        busy=pulse.busy,
    )

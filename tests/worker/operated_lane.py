"""The operator's decisions on a lane's own queues, from the pulses that its pods send, made true at the broker.

Without a cluster nothing else of the operator runs: each decision is written into the files that the pods read.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_operator.isolation.decide import decide
from merchantroute_operator.isolation.history import Memory
from merchantroute_operator.isolation.model import OwnQueue, PodFigures, Policy, Waiting
from merchantroute_operator.isolation.parts import most_pods, wanted_parts
from merchantroute_operator.rabbit.pulses.pulse_format import parse_pulse
from merchantroute_operator.scaling.model import Pulse

TICK = 2.0


class OperatedLane:
    """Decides for one lane every two seconds, whenever somebody looks."""

    def __init__(self, lane: LocalLane) -> None:
        self.lane = lane
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
            Policy(),
            pods={topology.TIER: [_figures(pulse) for pulse in self._pulses.values() if pulse.slots is not None]},
            merchants={},
            default_tier=topology.TIER,
            waiting={merchant: self._waiting(merchant) for merchant in self.queues},
            queues=self.queues,
            memory=self._memory,
            workers=self._workers,
        )
        self._memory = decision.memory
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
        if before is None or _told(before) != _told(queue):
            self._tell(merchant, queue)

    def _tell(self, merchant: str, queue: OwnQueue) -> None:
        pods, over = self.lane.own_pods, most_pods(queue.rate, queue.burst, found=queue.found)
        parts: Mapping[str, int] = wanted_parts(queue.share, topology.own_queue(merchant), pods, over)
        self._workers[merchant] = [pod for pod in pods if parts[pod]]
        limits = {} if queue.rate is None else {"rate": queue.rate, "burst": queue.burst}
        pause = {"pausedUntil": round(queue.paused_until * 1000)} if queue.paused_until else {}
        bound = queue.stage == "Open"
        self.lane.own(merchant, *(parts[pod] for pod in pods), bound=bound, **limits, **pause)


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

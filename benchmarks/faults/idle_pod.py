"""The cost of an idle pod: memory, and how much of a core over half a minute."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.environment.scale import FULL
from benchmarks.process_usage import cpu_seconds, pss
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import RabbitMQ
from merchantroute_kit.servers.vhosts import fresh_vhost

SECONDS = 30.0
_CALM = 5.0  # seconds after the start that are not measured


@dataclass(frozen=True)
class Idle:
    """MB (PSS) and percent of one core."""

    pss: float
    cpu: float
    seconds: float

    def line(self) -> str:
        """In words."""
        return f"an idle pod of 200 slots: {self.pss:.1f} MB (PSS), {self.cpu:.2f} % of a core over {self.seconds:g} s"


def measure(root: Path, broker: RabbitMQ, merchants: MerchantSim) -> Idle:
    """Start one pod that consumes an empty queue, and watch it."""
    place = root / "idle"
    place.mkdir()
    with fresh_vhost(broker.amqp_url, broker.mgmt_url, "test") as vhost:
        return asyncio.run(_measure(Environment(place, vhost, merchants, None, replace(FULL, pods=1))))


async def _measure(environment: Environment) -> Idle:
    try:
        await environment.set_up(Needs())
        pid = environment.fleet.slots[0].pod.process.pid
        await asyncio.sleep(_CALM)
        before = cpu_seconds(pid)
        await asyncio.sleep(SECONDS)
        return Idle(pss(pid), (cpu_seconds(pid) - before) / SECONDS * 100, SECONDS)
    finally:
        await environment.close()

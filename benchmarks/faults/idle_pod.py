"""What a pod costs that has nothing to do: memory, and how much of a core over half a minute."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.chaos_worker.fault import NONE
from benchmarks.chaos_worker.memory import cpu_seconds, pss
from benchmarks.chaos_worker.own_broker import OwnBroker
from benchmarks.chaos_worker.scale import FULL
from benchmarks.chaos_worker.stage import Stage
from tests.harness.vhosts import fresh_vhost
from tests.worker.merchant_sim import Merchants

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


def measure(root: Path, broker: OwnBroker, merchants: Merchants) -> Idle:
    """Start one pod that consumes an empty queue, and watch it."""
    place = root / "idle"
    place.mkdir()
    with fresh_vhost(broker.amqp_url, broker.mgmt_url, "test") as vhost:
        return asyncio.run(_measure(Stage(place, vhost, merchants, None, replace(FULL, pods=1))))


async def _measure(stage: Stage) -> Idle:
    try:
        await stage.set_up(NONE)
        pid = stage.fleet.slots[0].pod.process.pid
        await asyncio.sleep(_CALM)
        before = cpu_seconds(pid)
        await asyncio.sleep(SECONDS)
        return Idle(pss(pid), (cpu_seconds(pid) - before) / SECONDS * 100, SECONDS)
    finally:
        await stage.close()

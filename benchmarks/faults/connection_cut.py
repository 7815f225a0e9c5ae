"""Every connection is closed at the broker, pods' and producer's, as somebody does who presses the wrong button."""

import asyncio

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage
from tests.worker.cutting import cut


async def strike(stage: Stage) -> None:
    """The pods' calls go on while their messages are handed out to others."""
    async for _ in stage.strikes():
        await asyncio.to_thread(cut, stage.vhost, consumers=len(stage.fleet.slots))
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended for a cut connection: {stage.fleet.codes}")


FAULT = Fault(name="connection-cut", what="all connections are closed at the broker", strike=strike, comes_back=True)

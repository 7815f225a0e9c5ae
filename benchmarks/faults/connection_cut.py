"""Closed connections, pods' and producer's: somebody presses the wrong button in the broker's management."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.worker.cut_connections import cut


async def strike(environment: Environment) -> None:
    """The pods' calls go on while their messages are handed out to others."""
    async for _ in environment.strikes():
        await asyncio.to_thread(cut, environment.vhost, consumers=len(environment.fleet.slots))
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a cut connection: {environment.fleet.codes}")


FAULT = Fault(
    name="connection-cut", what="all connections are closed at the broker", strike=strike, needs=Needs(comes_back=True)
)

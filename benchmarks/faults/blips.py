"""Two blips of the network within seconds: all connections are closed at the broker, and again once pods are back."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.worker.cut_connections import cut

TWICE = "came back 2 times"


async def strike(environment: Environment) -> None:
    """What is in flight comes back twice; no pod died, so it is nobody's fault and worked where it is."""
    async for _ in environment.strikes():
        async with environment.long_orders():
            pods = len(environment.fleet.slots)
            closed = await asyncio.to_thread(cut, environment.vhost, consumers=pods)
            await asyncio.to_thread(cut, environment.vhost, consumers=pods, closed=closed)
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a cut connection: {environment.fleet.codes}")
    if not environment.logged(TWICE):
        environment.complaints.append("no order came back twice: the second blip hit nobody")


FAULT = Fault(
    name="blips", what="all connections are closed twice within seconds", strike=strike, needs=Needs(comes_back=True)
)

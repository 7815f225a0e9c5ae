"""Two blips of the network within seconds: all connections are closed at the broker, and again once pods are back."""

import asyncio
from functools import partial

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.worker.cut_connections import cut

TWICE = "came back 2 times"
_BLIPS = 2
_AT_MOST = 6  # a pod that has connected again may not have been given its orders yet, so that a blip hits none
_LOGGED = 5.0  # seconds until a pod that an order came back to has said so


async def strike(environment: Environment) -> None:
    """What is in flight comes back twice; no pod died, so it is nobody's fault and worked where it is."""
    async for _ in environment.strikes():
        async with environment.long_orders():
            closed: frozenset[str] = frozenset()
            for number in range(1, _AT_MOST + 1):
                once = partial(cut, environment.vhost, consumers=len(environment.fleet.slots), closed=closed)
                closed |= await asyncio.to_thread(once)
                if number >= _BLIPS and await environment.comes_to_log(TWICE, _LOGGED):
                    break
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a cut connection: {environment.fleet.codes}")
    if not environment.logged(TWICE):
        environment.complaints.append("no order came back twice: the second blip hit nobody")


FAULT = Fault(
    name="blips", what="all connections are closed twice within seconds", strike=strike, needs=Needs(comes_back=True)
)

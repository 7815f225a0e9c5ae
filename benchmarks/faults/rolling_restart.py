"""A rolling restart of the broker, as its one node can show it: three restarts, each as soon as pods are back."""

from benchmarks.faults.blips import TWICE
from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault

_NODES = 3


async def strike(environment: Environment) -> None:
    """What is in flight comes back once for each; no pod died, so it is nobody's fault and worked where it is."""
    async for _ in environment.strikes():
        async with environment.long_orders():
            for _node in range(_NODES):
                await environment.broker.restart(crash=False)
                await environment.fleet.ready()
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a broker that was away: {environment.fleet.codes}")
    if not environment.logged(TWICE):
        environment.complaints.append("no order came back twice: the restarts hit nobody")


FAULT = Fault(
    name="rolling-restart",
    what="the broker is restarted three times in a row",
    strike=strike,
    needs=Needs(comes_back=True, own_broker=True),
)

"""A blocked hub: user code computes without a pause, and under gevent the whole pod stands still meanwhile."""

import asyncio

from benchmarks.faults.environment import route_queues
from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault


async def strike(environment: Environment) -> None:
    """Calls that were under way are late, heartbeats too; nothing of it may cost an order."""
    async for number in environment.strikes():
        await asyncio.to_thread(
            route_queues.send_task,
            environment.vhost,
            "hostile.spin",
            environment.scale.spin,
            order_id=f"{environment.run}-spin-{number}",
            merchant=environment.ids[-1],
        )
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended because one stood still: {environment.fleet.codes}")


FAULT = Fault(name="hub-blocked", what="user code keeps the hub to itself", strike=strike, needs=Needs(hostile=True))

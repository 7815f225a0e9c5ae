"""A deleted queue: somebody deletes the lane's queue; a while later it is declared again."""

import asyncio

from benchmarks.faults.environment import route_queues
from benchmarks.faults.environment.environment import DELAYS, Environment
from benchmarks.faults.fault import Fault
from merchantroute_kit.waiting import until_async
from merchantroute_kit.worker import topology


async def strike(environment: Environment) -> None:
    """Orders inside a queue go with it, and that is the deleter's loss; so it is deleted at a moment when it is empty.

    Publishing pauses until no order is open, and goes on as soon as the queue is gone: what is published then comes
    back to the producer, which tries again.
    """
    async for _ in environment.strikes():
        await environment.stream.pause()
        await until_async(lambda: not environment.observed.open(), "every order to end", 120)
        await until_async(
            lambda: not route_queues.ready(environment.vhost, DELAYS), "the queues to be empty", 120, in_thread=True
        )
        gone = await asyncio.to_thread(route_queues.delete_lane, environment.vhost)
        if gone:
            environment.complaints.append(f"{gone} orders were deleted with the queue: no fault of the pods'")
        environment.stream.go_on()
        await asyncio.sleep(environment.scale.away)
        await asyncio.to_thread(topology.declare_lane, environment.vhost)
        await environment.fleet.ready()
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a queue that was not there: {environment.fleet.codes}")


FAULT = Fault(name="queue-gone", what="the lane's queue is deleted and declared again", strike=strike)

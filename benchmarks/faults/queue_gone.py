"""Somebody deletes the lane's queue; a while later it is declared again."""

import asyncio

from benchmarks.chaos_worker import queues
from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import DELAYS, Stage
from benchmarks.chaos_worker.waiting import until, until_found
from tests.worker import topology


async def strike(stage: Stage) -> None:
    """Orders inside a queue go with it, and that is the deleter's loss; so it is deleted at a moment when it is empty.

    Publishing pauses until no order is open, and goes on as soon as the queue is gone: what is published then comes
    back to the producer, which tries again.
    """
    async for _ in stage.strikes():
        await stage.publishing.pause()
        await until(lambda: not stage.roll.open, "every order to end", 120)
        await until_found(lambda: not queues.ready(stage.vhost, DELAYS), "the queues to be empty", 120)
        gone = await asyncio.to_thread(queues.delete_lane, stage.vhost)
        if gone:
            stage.complaints.append(f"{gone} orders were deleted with the queue: no fault of the pods'")
        stage.publishing.go_on()
        await asyncio.sleep(stage.scale.away)
        await asyncio.to_thread(topology.declare_lane, stage.vhost)
        await stage.fleet.ready()
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended for a queue that was not there: {stage.fleet.codes}")


FAULT = Fault(name="queue-gone", what="the lane's queue is deleted and declared again", strike=strike)

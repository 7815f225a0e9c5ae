"""A memory alarm: the broker blocks everybody who publishes, for a while."""

import asyncio

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.waiting import until_async

_COMMAND = 60.0


async def strike(environment: Environment) -> None:
    """Pods go on; an outcome that needs a publish is held meanwhile."""
    await environment.after(1 / 3)
    await until_async(environment.broker.starve, "the broker to be without memory", _COMMAND, in_thread=True)
    try:
        await until_async(
            lambda: any("blocks publishing" in said for said in environment.logs.warnings), "pods to notice", _COMMAND
        )
        await asyncio.sleep(environment.scale.lasting)
        alive = [slot.pod.get("/livez")[0] for slot in environment.fleet.slots]
        if any(status != 200 for status in alive):
            environment.complaints.append(f"pods were not alive during the alarm: {alive}")
    finally:
        await until_async(environment.broker.feed, "the broker to have memory again", _COMMAND, in_thread=True)
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a broker without memory: {environment.fleet.codes}")


FAULT = Fault(
    name="memory-alarm", what="the broker blocks all who publish", strike=strike, needs=Needs(own_broker=True)
)

"""The broker runs out of memory and blocks everybody who publishes, for a while."""

import asyncio

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage
from benchmarks.chaos_worker.waiting import until, until_found

_COMMAND = 60.0


async def strike(stage: Stage) -> None:
    """Pods finish what they hold and begin nothing: an outcome that needs a publish could only be held."""
    await stage.after(1 / 3)
    await until_found(stage.broker.starve, "the broker to be without memory", _COMMAND)
    try:
        await until(
            lambda: any("blocks publishing" in said for said in stage.logs.warnings), "pods to notice", _COMMAND
        )
        await asyncio.sleep(stage.scale.lasting)
        alive = [slot.pod.get("/livez")[0] for slot in stage.fleet.slots]
        if any(status != 200 for status in alive):
            stage.complaints.append(f"pods were not alive during the alarm: {alive}")
    finally:
        await until_found(stage.broker.feed, "the broker to have memory again", _COMMAND)
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended for a broker without memory: {stage.fleet.codes}")


FAULT = Fault(name="memory-alarm", what="the broker blocks all who publish", strike=strike, own_broker=True)

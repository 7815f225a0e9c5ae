"""A rollout: pods are told to end under load, one after another, each with a new one in its place."""

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import GRACE, Stage


async def strike(stage: Stage) -> None:
    """What was begun is finished, the rest handed back: no step is called again."""
    async for slot in stage.victims():
        code = await stage.fleet.replace(slot, GRACE)
        if code:
            stage.complaints.append(f"{slot.name} ended with {code} after SIGTERM")


FAULT = Fault(name="sigterm", what="pods are told to end under load", strike=strike, comes_back=True, begun_once=True)

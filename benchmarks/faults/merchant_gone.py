"""Half of the merchants are gone for a while: of some the name is not known, at others nobody listens."""

import asyncio

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage
from tests.worker.running import free_port


async def strike(stage: Stage) -> None:
    """Their orders wait on the ladder, and are done when they are back."""
    async for _ in stage.strikes():
        nowhere = ("http://gone.invalid", f"http://127.0.0.1:{free_port()}")
        stage.configure({one: nowhere[number % 2] for number, one in enumerate(stage.ids[::2])})
        await asyncio.sleep(stage.scale.away)
        stage.configure()


FAULT = Fault(name="merchant-gone", what="half of the merchants cannot be reached", strike=strike)

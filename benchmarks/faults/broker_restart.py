"""The broker goes and comes back, in turn told to and killed."""

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage


async def strike(stage: Stage) -> None:
    """Publishes whose confirm is lost are repeated under the same id; pods wait, and are not restarted."""
    async for number in stage.strikes():
        await stage.broker.restart(crash=number % 2 == 1)
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended for a broker that was away: {stage.fleet.codes}")


FAULT = Fault(
    name="broker-restart",
    what="the broker is restarted, and killed",
    strike=strike,
    comes_back=True,
    own_broker=True,
)

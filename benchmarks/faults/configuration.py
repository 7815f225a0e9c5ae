"""Broken configuration: the mounted files turn invalid, then are gone, then are there again."""

from functools import partial

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.fault import Fault
from merchantroute_kit.waiting import until_async
from merchantroute_kit.worker.worker_process import WorkerProcess

_NOTICED = 30.0


async def strike(environment: Environment) -> None:
    """Pods keep the old one, say so, and take the next good one."""
    config = environment.root / "config"
    async for _ in environment.strikes():
        index = config / "index.json"
        index.write_text("{")
        await said(environment, "is not a JSON object")
        away = config.rename(environment.root / "config.away")
        await said(environment, "cannot be read")
        away.rename(config)
        generation = environment.configure()
        await said(environment, f'"generation": {generation}')
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for their configuration: {environment.fleet.codes}")


async def said(environment: Environment, text: str) -> None:
    """Wait until every pod says this of its configuration."""
    for slot in environment.fleet.slots:
        said = partial(_says, slot.pod, text)
        await until_async(said, f"{slot.name} to say: {text}", _NOTICED, in_thread=True)


def _says(pod: WorkerProcess, text: str) -> bool:
    return text in pod.get("/merchants")[1]


FAULT = Fault(name="configuration", what="the mounted configuration is invalid, then gone", strike=strike)

"""The mounted configuration turns invalid, then is gone, then is there again."""

from functools import partial

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage
from benchmarks.chaos_worker.waiting import until_found
from tests.worker.running import WorkerProcess

_NOTICED = 30.0


async def strike(stage: Stage) -> None:
    """Pods keep the old one, say so, and take the next good one."""
    config = stage.root / "config"
    async for _ in stage.strikes():
        index = config / "index.json"
        index.write_text("{")
        await said(stage, "is not a JSON object")
        away = config.rename(stage.root / "config.away")
        await said(stage, "cannot be read")
        away.rename(config)
        generation = stage.configure()
        await said(stage, f'"generation": {generation}')
    if stage.fleet.restarts:
        stage.complaints.append(f"pods ended for their configuration: {stage.fleet.codes}")


async def said(stage: Stage, text: str) -> None:
    """Wait until every pod says this of its configuration."""
    for slot in stage.fleet.slots:
        said = partial(_says, slot.pod, text)
        await until_found(said, f"{slot.name} to say: {text}", _NOTICED)


def _says(pod: WorkerProcess, text: str) -> bool:
    return text in pod.get("/merchants")[1]


FAULT = Fault(name="configuration", what="the mounted configuration is invalid, then gone", strike=strike)

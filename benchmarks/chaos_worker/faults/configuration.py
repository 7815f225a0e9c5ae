"""The mounted configuration turns invalid, then is gone, then is there again."""

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.stage import Stage
from benchmarks.chaos_worker.waiting import until_found

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
        await until_found(lambda slot=slot: text in slot.pod.get("/merchants")[1], f"{slot.name} to say: {text}", _NOTICED)  # type: ignore[misc] # fmt: skip


FAULT = Fault(name="configuration", what="the mounted configuration is invalid, then gone", strike=strike)

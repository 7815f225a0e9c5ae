"""No fault of ours: merchants of every kind at once, for minutes, and what each pod's memory does meanwhile."""

import asyncio
import time

from benchmarks.chaos_worker.fault import Fault
from benchmarks.chaos_worker.memory import pss
from benchmarks.chaos_worker.stage import Stage

EVERY = 5.0  # seconds between two samples
MANNERS = (
    {"behaviour": "normal"},
    {"behaviour": "normal"},
    {"behaviour": "normal", "latency": {"p50_ms": 400, "p99_ms": 900}},
    {"behaviour": "hang"},
    {"behaviour": "error", "error_rate": 0.2},
    {"behaviour": "throttle"},
    {"behaviour": "reset"},
    {"behaviour": "refuse"},
)


def mixed(seconds: float, samples: dict[str, list[float]]) -> Fault:
    """Every eighth merchant is of one manner for so long, then all heal; `samples` takes MB (PSS) by pod."""

    async def strike(stage: Stage) -> None:
        usual = {"p50_ms": stage.scale.p50_ms, "p99_ms": stage.scale.p99_ms}
        for number, merchant in enumerate(stage.ids):
            manner = {"latency": usual, **MANNERS[number % len(MANNERS)]}
            kind = str(manner.pop("behaviour"))
            await asyncio.to_thread(stage.merchants.behave, merchant, kind, **manner)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for slot in stage.fleet.slots:
                samples.setdefault(slot.name, []).append(pss(slot.pod.process.pid))
            await asyncio.sleep(EVERY)
        for merchant in stage.ids:
            await asyncio.to_thread(stage.merchants.behave, merchant, "normal", latency=usual)
        if stage.fleet.restarts:
            stage.complaints.append(f"pods ended under mixed merchants: {stage.fleet.codes}")

    return Fault(name="mixed-merchants", what="merchants hang, fail, throttle and reset", strike=strike)

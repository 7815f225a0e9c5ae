"""Merchants of every kind at once, for minutes, and each pod's memory meanwhile: no fault of ours, but a soak."""

import asyncio
import time

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.fault import Fault
from benchmarks.process_usage import pss

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

    async def strike(environment: Environment) -> None:
        usual = {"p50_ms": environment.scale.p50_ms, "p99_ms": environment.scale.p99_ms}
        for number, merchant in enumerate(environment.ids):
            manner = {"latency": usual, **MANNERS[number % len(MANNERS)]}
            kind = str(manner.pop("behaviour"))
            await asyncio.to_thread(environment.merchants.behave, merchant, kind, **manner)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for slot in environment.fleet.slots:
                samples.setdefault(slot.name, []).append(pss(slot.pod.process.pid))
            await asyncio.sleep(EVERY)
        for merchant in environment.ids:
            await asyncio.to_thread(environment.merchants.behave, merchant, "normal", latency=usual)
        if environment.fleet.restarts:
            environment.complaints.append(f"pods ended under mixed merchants: {environment.fleet.codes}")

    return Fault(name="mixed-merchants", what="merchants hang, fail, throttle and reset", strike=strike)

"""SIGSTOP for pods, as on a node that freezes: all their calls run into their time-outs at once."""

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.fleet import Slot
from benchmarks.faults.fault import Fault
from merchantroute_kit.worker.worker_process import WorkerProcess

_BLAME = b'"message": "merchant is slow"'

Sizes = Mapping[Path, int]
"""How many bytes the log of each pod had when a pod was stopped."""


async def strike(environment: Environment) -> None:
    """The broker and the merchants have answered long since; nobody but the pod is to blame."""
    stopped: list[tuple[Slot, Sizes]] = []
    async for slot in environment.victims():
        _judge(environment, stopped)
        stopped = [(slot, {pod.log: len(pod.log.read_bytes()) for pod in environment.fleet.pods})]
        slot.pod.signal(signal.SIGSTOP)
        await asyncio.sleep(environment.scale.standstill)
        slot.pod.signal(signal.SIGCONT)
    await environment.after((environment.scale.strikes + 1) / (environment.scale.strikes + 2))
    _judge(environment, stopped)
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended because they stood still: {environment.fleet.codes}")


def _judge(environment: Environment, stopped: list[tuple[Slot, Sizes]]) -> None:
    """Whom a pod that stood still took for slow, though the pods beside it did not, and it fails no call by itself."""
    for slot, sizes in stopped:
        beside = [pod for pod in environment.fleet.pods if pod is not slot.pod]
        slow = set().union(*(_blamed(pod, sizes) for pod in beside))
        innocent = _blamed(slot.pod, sizes) - slow - {environment.flaky}
        if innocent:
            environment.complaints.append(f"a pod that stood still took merchants for slow: {sorted(innocent)}")


def _blamed(pod: WorkerProcess, sizes: Sizes) -> set[str]:
    lines = pod.log.read_bytes()[sizes.get(pod.log, 0) :].splitlines()
    return {json.loads(line)["merchant"] for line in lines if _BLAME in line}


FAULT = Fault(name="standstill", what="pods stand still for longer than a call may take", strike=strike)

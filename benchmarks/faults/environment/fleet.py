"""A fleet of pods that restart with a back-off, as Kubernetes has it: at once, then after a pause that doubles."""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from merchantroute_kit.waiting import until_async
from merchantroute_kit.worker.worker_process import WorkerProcess

_PATIENCE = 90.0  # seconds until a pod that was started consumes, on a machine with much to do
_LONGEST_PAUSE = 300.0
RENEWED = 40.0  # seconds; the operator asks for a new pod of the suspect lane in the place of one that waits longer

Start = Callable[[str], WorkerProcess]


@dataclass
class Slot:
    """A place in the Deployment: the pod that is in it, how often one was started, and when the next may be. `row` is
    how many deaths its pause is reckoned from.
    """

    name: str
    start: Start
    pod: WorkerProcess
    started: int = 1
    deaths: int = 0
    row: int = 0
    not_before: float = 0.0


@dataclass
class Fleet:
    """All pods of a lane. `backoff` (seconds) is the pause before the second restart, doubled for each further one; one
    that would reach `renewed` is not waited for, and begins anew.

    `old` are pods that were told to end, or died; `codes` their exit codes, negative for a signal, in order.
    `on_death` is called for each that died.
    """

    backoff: float
    renewed: float | None = None
    slots: list[Slot] = field(default_factory=list)
    old: list[WorkerProcess] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    on_death: Callable[[], object] = lambda: None

    def add(self, name: str, start: Start) -> None:
        """One more place, with a pod."""
        self.slots.append(Slot(name, start, start(f"{name}-1")))

    @property
    def pods(self) -> list[WorkerProcess]:
        """Every pod there ever was."""
        return [*self.old, *(slot.pod for slot in self.slots)]

    @property
    def restarts(self) -> int:
        """How often a pod died and was started again."""
        return sum(slot.deaths for slot in self.slots)

    async def ready(self) -> None:
        """Wait until every pod consumes."""
        for slot in self.slots:
            await until_async(partial(_consumes, slot), f"{slot.name} to consume", _PATIENCE, in_thread=True)

    async def keep(self) -> None:
        """Start again what ended, for as long as the fault runs."""
        while True:
            for slot in self.slots:
                self._look(slot)
            await asyncio.sleep(0.05)

    async def replace(self, slot: Slot, within: float) -> int:
        """Tell a pod to end, as a rollout does, with a new one in its place at once; gives the old one's exit code."""
        leaving = slot.pod
        slot.started += 1
        slot.pod = slot.start(f"{slot.name}-{slot.started}")
        self.old.append(leaving)
        leaving.signal(signal.SIGTERM)
        await until_async(lambda: leaving.process.poll() is not None, f"{slot.name} to end after SIGTERM", within)
        return leaving.process.returncode

    async def brief(self, slot: Slot, name: str, after: float, within: float) -> int:
        """One more pod of a place's kind, told to end so many seconds after its start; gives its exit code."""
        pod = slot.start(name)
        self.old.append(pod)
        await asyncio.sleep(after)
        pod.signal(signal.SIGTERM)
        await until_async(lambda: pod.process.poll() is not None, f"{name} to end after SIGTERM", within)
        return pod.process.returncode

    async def end(self, within: float) -> list[int]:
        """Tell all to end, and wait for it; gives the exit codes of those that ran."""
        running = [slot.pod for slot in self.slots if slot.pod.process.poll() is None]
        for pod in running:
            pod.signal(signal.SIGTERM)
        await until_async(lambda: all(pod.process.poll() is not None for pod in running), "the pods to end", within)
        return [pod.process.returncode for pod in running]

    def close(self) -> None:
        """Leave no process behind."""
        for pod in self.pods:
            pod.close()

    def _look(self, slot: Slot) -> None:
        code = slot.pod.process.poll()
        if code is None:
            return
        if slot.pod not in self.old:
            self.old.append(slot.pod)
            self.codes.append(code)
            slot.deaths += 1
            self.on_death()
            slot.not_before = time.monotonic() + self._pause(slot)
        if time.monotonic() >= slot.not_before:
            slot.started += 1
            slot.pod = slot.start(f"{slot.name}-{slot.started}")

    def _pause(self, slot: Slot) -> float:
        pause = 0.0 if slot.row == 0 else min(_LONGEST_PAUSE, self.backoff * 2 ** (slot.row - 1))
        slot.row += 1
        if self.renewed is not None and pause >= self.renewed:
            pause, slot.row = 0.0, 0
        return pause


def _consumes(slot: Slot) -> bool:
    return slot.pod.get("/readyz")[0] == 200

"""One cell: a contender at a load with a fault, from its start to its ledger."""

import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from benchmarks.comparison.measuring.cores import busy
from benchmarks.isolation_compared.cell_figures import CellEvidence, CellFigures, figures
from benchmarks.isolation_compared.isolation_plan import CellTimes
from benchmarks.isolation_compared.logged_merchants_process import LoggedMerchants
from benchmarks.isolation_compared.merchant_calls import LAST_STEP, Call
from benchmarks.isolation_compared.population import arrivals, in_trouble, merchants
from benchmarks.isolation_compared.rivals.rival import CellSite, Rival, Running
from benchmarks.isolation_compared.trouble import HEALTHY, Trouble
from benchmarks.process_usage import cpu_seconds, pss
from benchmarks.progress import Progress

LOOK = 0.25  # seconds
_CONFIRMS = 30.0
_GRACE = 2.0


@dataclass(frozen=True)
class CellUse:
    """What the cell took: CPU seconds of the contender's processes while orders came, their MB as the fault ended
    (PSS), the machine's busiest core, the most by which an order was published late, and how many processes wanted a
    core in the last minute.
    """

    cpu_seconds: float
    memory_mb: float
    busiest_core: float
    published_late: float
    machine_load: float


@dataclass
class _Watched:
    """What is noted while a cell runs. `marks` are epoch seconds."""

    opened: dict[str, float]
    published: dict[str, tuple[str, float]]
    late: float = 0.0
    memory: float = 0.0


class IsolationCell:
    """One contender, load and fault."""

    def __init__(
        self, rival: Rival, load: int, trouble: Trouble, times: CellTimes, lab: LoggedMerchants, progress: Progress
    ) -> None:
        self._rival, self._load, self._trouble, self._times = rival, load, trouble, times
        self._merchants, self._progress = lab, progress
        self._troubled = in_trouble(trouble)

    def run(self, root: Path) -> tuple[CellFigures, CellUse]:
        """Everything; the contender is gone afterwards."""
        run = uuid.uuid4().hex[:8]
        self._merchants.begin(HEALTHY)
        site = CellSite(root, run, self._merchants, tuple(merchants(self._trouble)), self._trouble)
        with self._rival.at_work(site) as running:
            watched, ended = _Watched({}, {}), Event()
            looking = Thread(target=_look, args=(running, watched, ended), daemon=True)
            looking.start()
            cpu, cores, began = _cpu(running), busy(), time.time()
            self._publish(running, watched, run, began)
            used, later, published_for = _cpu(running) - cpu, busy(), time.time() - began
            calls = self._drain(running, began)
            ended.set()
            looking.join()
            ended_at = time.time()
            refused, publishes = running.refused(), _settled(running)
            found_slow, left = running.found_slow(), running.stop()
        book = self._merchants.effects(run)
        confirmed = running.publisher.confirmed
        evidence = CellEvidence(
            published={order: each for order, each in watched.published.items() if order in confirmed},
            calls=calls,
            book={order: {name: step["effects"] for name, step in steps.items()} for order, steps in book.items()},
            troubled=self._troubled,
            fault_at=began + self._times.before,
            healed_at=began + self._times.healed_at,
            ended_at=ended_at,
            dead=left.dead,
            queued=left.queued,
            opened=watched.opened,
            found_slow=found_slow,
            refused=refused,
            publishes=publishes,
        )
        busiest = max((later[core] - cores[core]) / published_for for core in later)
        return figures(evidence), CellUse(used, watched.memory, busiest, watched.late, os.getloadavg()[0])

    def _publish(self, running: Running, watched: _Watched, run: str, began: float) -> None:
        """Orders as they come; the fault begins and ends meanwhile."""
        marks = [(self._times.before, self._begin), (self._times.healed_at, self._heal)]
        for number, arrival in enumerate(arrivals(self._load, self._times, self._trouble)):
            while marks and marks[0][0] <= arrival.at:
                due, act = marks.pop(0)
                self._wait(running, began + due)
                act()
                watched.memory = _memory(running)
            self._wait(running, began + arrival.at)
            now, order = time.time(), f"{run}-{number}"
            watched.late = max(watched.late, now - began - arrival.at)
            watched.published[order] = (arrival.merchant, now)
            running.publisher.publish(order, arrival.merchant)
            self._progress.tell(f"{arrival.at:.0f} s")
        for due, act in marks:
            self._wait(running, began + due)
            act()
        running.publisher.settle(_CONFIRMS)

    def _wait(self, running: Running, due: float) -> None:
        """Confirms are taken in meanwhile."""
        running.publisher.settle(max(0.0005, due - time.time()))
        if (left := due - time.time()) > 0:
            Event().wait(left)

    def _begin(self) -> None:
        if self._trouble.behaviour:
            for merchant in self._troubled:
                self._merchants.behave(merchant, dict(self._trouble.behaviour))

    def _heal(self) -> None:
        if self._trouble.behaviour:
            for merchant in self._troubled:
                self._merchants.heal(merchant)

    def _drain(self, running: Running, began: float) -> list[Call]:
        """Until all orders are done, or the time is over; gives all calls."""
        ended, under_way = [], []
        end = began + self._times.longest
        while True:
            calls = self._merchants.calls()
            ended += [call for call in calls if call.status >= 0]
            under_way = [call for call in calls if call.status < 0]
            done = {call.order for call in ended if call.step == LAST_STEP and call.status == 200}
            undone = running.publisher.confirmed - done
            self._progress.tell(f"{len(undone)} are not done")
            if not undone or time.time() > end:
                break
            Event().wait(0.5)
        Event().wait(_GRACE if not undone else 0.0)
        return [*ended, *under_way]


def _look(running: Running, watched: _Watched, ended: Event) -> None:
    while not ended.wait(LOOK):
        with suppress(OSError):
            for merchant in running.look() - watched.opened.keys():
                watched.opened[merchant] = time.time()


def _cpu(running: Running) -> float:
    return _sum_of(running, cpu_seconds)


def _memory(running: Running) -> float:
    return _sum_of(running, pss)


def _sum_of(running: Running, measure: Any) -> float:
    total = 0.0
    for pid in running.programs():
        with suppress(OSError, ValueError):
            total += measure(pid)
    return total


def _settled(running: Running) -> int | None:
    """The broker's count follows what happens by a second or two."""
    before = running.publishes()
    for _ in range(6):
        Event().wait(1.5)
        now = running.publishes()
        if now == before:
            break
        before = now
    return before

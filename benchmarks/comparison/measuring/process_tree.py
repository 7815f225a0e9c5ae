"""Resource usage of a process tree: the process that was started and all that it started itself."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.process_usage import TICKS, pss, stat

_GONE = (FileNotFoundError, ProcessLookupError)


def tree(pid: int) -> list[int]:
    """The process and its descendants, those that are alive."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(*_GONE):
            children.setdefault(int(stat(int(folder.name))[1]), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """User and system seconds of all of them so far, of those that have ended included."""
    return sum(_each(pid, _cpu))


def memory(pid: int) -> float:
    """MB of all of them (PSS: what they share is counted once)."""
    return sum(_each(pid, pss))


def _each(pid: int, measure: Callable[[int], float]) -> Iterator[float]:
    for one in tree(pid):
        with suppress(*_GONE):
            yield measure(one)


def _cpu(pid: int) -> float:
    """The kernel's ticks are 10 ms, which is much for a contender that waits; the scheduler counts nanoseconds, but
    forgets threads that ended. So whichever is more.
    """
    fields = stat(pid)
    used, of_the_dead = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    exact = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(*_GONE):
            exact += int((task / "schedstat").read_text().split()[0]) / 1e9
    return max(used / TICKS, exact) + of_the_dead / TICKS

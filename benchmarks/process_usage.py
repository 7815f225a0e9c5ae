"""The resource usage of a process, as the kernel counts it: proportional set size (PSS) and processor time."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1024


def pss(pid: int) -> float:
    """MB of the process alone, with its share of what others map too."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / _MB
    raise ValueError(f"the kernel gives no Pss of process {pid}")


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def stat(pid: int) -> list[str]:
    """Of /proc/PID/stat, the fields after the name, which may hold anything: the first is the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

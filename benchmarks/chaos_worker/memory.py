"""What a process costs, as the kernel counts it: its proportional share of memory, and its processor time."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1024


def pss(pid: int) -> float:
    """MB of the process alone, with its share of what others map too."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / _MB
    raise ValueError(f"the kernel gives no Pss of process {pid}")


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS

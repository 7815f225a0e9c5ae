"""CPU affinity: the contender has a core of its own; merchants, broker and load share the others.

So a contender's core is its own, and what it does with it can be told. With a single core there is nothing to share
out; the figures per CPU second hold all the same.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """`own` is the contender's, `others` everybody else's; they are the same where there is but one."""

    own: int
    others: tuple[int, ...]

    def hold_others(self, amqp_url: str) -> bool:
        """Move this process, what it will start, and the broker away from the contender's core. False where Docker
        cannot move the broker's container: it then runs wherever it likes.
        """
        os.sched_setaffinity(0, self.others)
        port = urlsplit(amqp_url).port
        named = subprocess.run(
            ["docker", "ps", "--quiet", "--filter", f"publish={port}"], capture_output=True, text=True
        )
        container = named.stdout.strip()
        wanted = ",".join(map(str, self.others))
        moved = ["docker", "update", "--cpuset-cpus", wanted, container]
        return bool(container) and subprocess.run(moved, capture_output=True).returncode == 0


def share_out() -> Cores:
    """The cores that this process may use."""
    mine = sorted(os.sched_getaffinity(0))
    return Cores(mine[0], tuple(mine[1:]) or (mine[0],))


def busy() -> dict[int, float]:
    """Seconds that each core has not been idle."""
    found = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *figures = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _idle, _iowait, *rest = map(int, figures[:8])
            found[int(name[3:])] = (user + nice + system + sum(rest)) / _TICKS
    return found

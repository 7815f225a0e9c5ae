"""A plain Celery app whose tasks do what no pod survives, or what none should have to endure."""

import os
import signal
import time
from pathlib import Path

from celery import Celery

app = Celery("hostile")


@app.task(name="hostile.spin")
def spin(seconds: float) -> None:
    """Compute without a pause: under gevent nothing else of the process runs meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@app.task(name="hostile.die")
def die() -> None:
    """Take the process along, as a fault in a C library does."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="hostile.hoard")
def hoard(once: str, megabytes: int) -> None:
    """Take more memory than the pod may have, as long as the file `once` is there; it is removed first."""
    try:
        Path(once).unlink()
    except FileNotFoundError:
        return
    del once
    held = [b"x" * (1 << 20) + bytes([number % 251]) for number in range(megabytes)]
    raise MemoryError(f"{len(held)} MB were had for nothing: this pod has no limit")

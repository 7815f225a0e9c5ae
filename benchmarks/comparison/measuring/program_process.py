"""A program that runs in a process of its own, pinned to a core where it is measured, with its output in a file."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.comparison.measuring import process_tree

ROOT = Path(__file__).resolve().parents[3]


class Ended(Exception):
    """A process ended that should not; the text holds the end of its log."""


class ProgramProcess:
    """A process and all that it starts itself; `core` pins it, None leaves it where the kernel puts it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, core: int | None) -> None:
        self.log = log
        self._out = log.open("wb")
        pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
        self.process = subprocess.Popen(
            [*pinned, *command],
            stdout=self._out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )

    @property
    def pid(self) -> int:
        """Of the program itself; what it starts are its descendants."""
        return self.process.pid

    def alive(self) -> bool:
        """Raises Ended when it is not."""
        if self.process.poll() is not None:
            raise Ended(f"the program ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")
        return True

    def end(self, grace: float) -> bool:
        """SIGTERM, and after `grace` seconds SIGKILL for all of them. Says whether it ended by itself."""
        everyone = process_tree.tree(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(grace)
            by_itself = True
        except subprocess.TimeoutExpired:
            by_itself = False
        for pid in everyone:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
        self._out.close()
        return by_itself

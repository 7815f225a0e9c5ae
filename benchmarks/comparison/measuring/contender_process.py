"""A contender's processes and the merchants' process."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.efficiency import processes
from tests.worker.running import free_port
from tests.worker.waiting import until

ROOT = Path(__file__).resolve().parents[2]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Ended(Exception):
    """A process ended that should not; the text holds the end of its log."""


class Running:
    """A program of the contender's, on its core, with its output in a file."""

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
        everyone = processes.tree(self.pid)
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


class Merchants:
    """The merchants' process and its switchboard."""

    def __init__(self, python: Path, log: Path) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [str(python), "-m", "benchmarks.efficiency.merchant", str(self.port)]
        self.running = Running(command, {}, log, None)
        until(self._answers, "the merchants to answer")

    def ask(self, what: str, **document: Any) -> dict[str, Any]:
        """One call of the switchboard."""
        body = json.dumps(document).encode() if document else None
        request = urllib.request.Request(f"{self.endpoint}/admin/{what}", data=body)  # noqa: S310 - our own URL
        with _DIRECT.open(request, timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def close(self) -> None:
        """Leave no process behind."""
        self.running.end(1.0)

    def _answers(self) -> bool:
        self.running.alive()
        try:
            return bool(self.ask("look"))
        except OSError:
            return False

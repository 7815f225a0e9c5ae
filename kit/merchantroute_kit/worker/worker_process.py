"""A worker's pod as a process of this machine: `merchantroute-worker`, its probes, its log, its signals."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import INTERVAL, until
from merchantroute_kit.worker import topology


def environment_of(root: Path, name: str) -> dict[str, str]:
    """What the operator would put into the pod's environment, with the files under `root`."""
    return {
        "MR_NAMESPACE": topology.NAMESPACE,
        "MR_ROUTE": topology.ROUTE,
        "MR_TIER": topology.TIER,
        "MR_POD": name,
        "MR_CONFIG_DIR": str(root / "config"),
        "MR_CREDENTIALS_DIR": str(root / "credentials"),
        "MR_BROKER_DIR": str(root / "broker"),
        "MR_COMPLETIONS": topology.COMPLETIONS,
    }


class WorkerProcess:
    """One pod's process, with its files under `root`."""

    program = "merchantroute_worker"

    def __init__(self, root: Path, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.port = free_port()
        self.log = root / f"{name}.log"
        self._out = self.log.open("wb")
        source = Path(__file__).resolve().parents[3] / "worker"
        paths = [str(source), *filter(None, [env.get("PYTHONPATH")])]
        given = {**environment_of(root, name), **env, "PYTHONPATH": os.pathsep.join(paths), "MR_PORT": str(self.port)}
        self.process = subprocess.Popen(
            self.command(arguments, given),
            stdout=self._out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **given},
        )

    def command(self, arguments: Sequence[str], given: Mapping[str, str]) -> list[str]:
        """What is started. `given` is the environment that makes it this pod, beside that of this process."""
        del given
        return [sys.executable, "-m", self.program, *arguments]

    def get(self, path: str) -> tuple[int, str]:
        """Ask the pod's port; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self, seconds: float = 30.0) -> "WorkerProcess":
        """Wait until the pod consumes."""
        until(lambda: self._alive() and self.get("/readyz")[0] == 200, "the worker to consume", seconds)
        return self

    def waits_for(self, text: str, seconds: float = 30.0) -> str:
        """Wait until the pod is unready with a line that holds the text."""

        def said() -> str:
            self._alive()
            status, line = self.get("/readyz")
            return line if status == 503 and text in line else ""

        return until(said, f"the worker to wait for {text!r}", seconds)

    def records(self) -> list[dict[str, Any]]:
        """Its log, line by line."""
        lines = self.log.read_bytes().splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 30.0) -> int:
        """Wait for its end; gives the exit code."""
        return self.process.wait(seconds)

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def close(self) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._out.close()

    def _alive(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the worker ended:\n{self.log.read_text()[-3000:]}")
        return True


class CeleryProcess(WorkerProcess):
    """The same pod, started by Celery's own command line."""

    program = "celery"


class Supervisor:
    """Starts pods again when they end, as Kubernetes would, until it is closed. `on_death` is called when one of the
    tier's has ended.
    """

    def __init__(self, root: Path, on_death: Callable[[], None] = lambda: None) -> None:
        self._root, self._on_death = root, on_death
        self._wanted: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}
        self.pods: dict[str, list[WorkerProcess]] = {}
        self._closed = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Supervisor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        for pods in self.pods.values():
            for pod in pods:
                pod.close()

    def keep(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """Have a pod of this name from now on."""
        self.pods[name] = []
        self._wanted[name] = (arguments, env)

    def _watch(self) -> None:
        while not self._closed.wait(INTERVAL):
            for name, (arguments, env) in list(self._wanted.items()):
                pods = self.pods[name]
                if not pods or pods[-1].ended():
                    if pods and "MR_TIER" not in env:
                        self._on_death()
                    pods.append(WorkerProcess(self._root, f"{name}-{len(pods)}", arguments, env))

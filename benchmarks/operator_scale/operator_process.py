"""The operator as a process of this machine, and what the kernel, its metrics and the API server say of it."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path
from types import TracebackType

from benchmarks.process_usage import cpu_seconds, pss
from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until

SOURCE = Path(__file__).resolve().parents[2] / "operator"
# The benchmark's brokers listen where no installation lets the operator connect to unasked.
BROKERS_HERE = {"MR_OPERATOR_BROKER_ADDRESSES": "127.0.0.0/8", "MR_OPERATOR_BROKER_PORTS": "1-65535"}
_WRITES = frozenset({"create", "update", "patch", "delete"})


class OperatorProcess:
    """A running operator: ``settings`` are its environment."""

    def __init__(self, server: ApiServer, log: Path, settings: dict[str, str]) -> None:
        self._metrics = free_port()
        environment = {
            **os.environ,
            **BROKERS_HERE,
            **settings,
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}",
            "KUBECONFIG": str(server.kubeconfig),
            "MR_OPERATOR_METRICS_PORT": str(self._metrics),
            "MR_OPERATOR_HEALTH_PORT": str(free_port()),
        }
        self._out = log.open("ab")
        self._environment = environment
        self.restarts = 0
        self._ending = threading.Event()
        self.process = self._start()

    def __enter__(self) -> "OperatorProcess":
        until(self.is_up, "the operator's metrics", 60)
        threading.Thread(target=self._keep_up, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._out.close()

    def _keep_up(self) -> None:
        """Start it again whenever it ends, as a kubelet does: on a busy machine its Lease may be lost."""
        while not self._ending.is_set():
            self.process.wait()
            if not self._ending.is_set():
                self.restarts += 1
                self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "benchmarks.operator_scale.measured_operator"]
        return subprocess.Popen(command, env=self._environment, stdout=self._out, stderr=self._out)

    def is_up(self) -> bool:
        """Whether it answers with metrics."""
        try:
            return bool(self.metrics())
        except OSError:
            return False

    def metrics(self) -> dict[str, float]:
        """Its Prometheus metrics, by name and labels as they are written."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if not x.startswith("#"))}

    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_seconds(self.process.pid)

    def longest_turn(self) -> float:
        """CPU seconds that its event loop spent at most between two turns of a timer."""
        return self.metrics()["bench_longest_turn_cpu_seconds"]

    def starved(self) -> float:
        """Seconds so far in which its event loop could have run and got no core: what the machine took from it."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[1]) / 1e9

    def memory(self) -> float:
        """MB."""
        return pss(self.process.pid)

    def peak(self) -> float:
        """MB that were resident at most."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    def management_reads(self) -> float:
        """GETs of all brokers' management APIs so far."""
        name = "merchantroute_operator_broker_call_seconds_count{"
        return sum(value for key, value in self.metrics().items() if key.startswith(name) and 'method="GET"' in key)


class AuditLog:
    """What came to the API server, from where the last look ended."""

    def __init__(self, server: ApiServer) -> None:
        self._path = server.audit_log
        self._at = 0

    def since_last(self) -> Counter[str]:
        """Reads and writes of the operator by verb; without watches, its Lease, and the benchmark."""
        seen: Counter[str] = Counter()
        with self._path.open("rb") as log:
            log.seek(self._at)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._at += len(line)
                seen.update(_verbs(json.loads(line)))
        return seen


def _verbs(entry: dict[str, object]) -> list[str]:
    verb, uri, agent = str(entry["verb"]), str(entry["requestURI"]), str(entry.get("userAgent", ""))
    if "leases" in uri or verb == "watch" or agent.startswith("Python-urllib"):
        return []
    user = entry.get("user") or {}
    if not isinstance(user, dict) or user.get("username") != "administrator":
        return []
    return ["writes" if verb in _WRITES else "reads"]

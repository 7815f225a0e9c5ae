"""merchant-sim as a process of this machine: every merchant of a test, and how each behaves."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until


class MerchantSim:
    """A running merchant-sim."""

    def __init__(self, log: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._out = log.open("wb")
        source = Path(__file__).resolve().parents[3] / "sim"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "merchant_sim", "--host", "127.0.0.1", "--port", self.url.rsplit(":", 1)[1]],
            stdout=self._out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(source)},
        )
        until(self._answers, "merchant-sim to answer")

    def endpoint(self, merchant: str) -> str:
        """Where the merchant's system is."""
        return f"{self.url}/m/{merchant}"

    def behave(self, merchant: str, behaviour: str, **more: Any) -> None:
        """Set how a merchant behaves from now on."""
        self._ask("PUT", f"/admin/merchants/{merchant}", {"behaviour": behaviour, **more})

    def peak(self, merchant: str) -> int:
        """The most calls that the merchant had at a time, since its behaviour was set."""
        peaks: dict[str, int] = self._ask("GET", "/admin/stats")["peaks"]
        return peaks.get(merchant, 0)

    def receipts(self, run: str) -> dict[str, dict[str, dict[str, int]]]:
        """By order and step: receipts, effects, distinct bodies."""
        orders: dict[str, dict[str, dict[str, int]]] = self._ask("GET", f"/admin/receipts?run={run}")["orders"]
        return orders

    def close(self) -> None:
        """Leave no process behind."""
        self.process.kill()
        self.process.wait()
        self._out.close()

    def _answers(self) -> bool:
        try:
            self._ask("GET", "/admin/stats")
            return True
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - a URL of our own making
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")

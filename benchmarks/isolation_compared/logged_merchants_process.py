"""The process of `logged_merchants`, with each merchant on a host of its own."""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.comparison.measuring.program_process import ROOT, ProgramProcess
from benchmarks.isolation_compared.merchant_calls import Call
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_VENDOR = "127.9.9.9"


class LoggedMerchants:
    """All merchants of a run."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "benchmarks.isolation_compared.logged_merchants", str(self.port)]
        environment = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sim'}"}
        self.running = ProgramProcess(command, environment, log, None)
        until(self._answers, "the merchants to answer")

    def endpoint(self, merchant: str) -> str:
        """Where a merchant's system is: a host for each, and one for all of the vendor's."""
        kind, _, number = merchant.rpartition("-")
        host = _VENDOR if kind == "vendor" else f"127.0.1.{int(number) + 1}"
        return f"http://{host}:{self.port}/m/{merchant}"

    def begin(self, behaviour: dict[str, Any]) -> None:
        """Forget everything; all behave like this from now on."""
        self._ask("POST", "/admin/reset")
        self._ask("PUT", "/admin/default", behaviour)
        self._ask("GET", "/calls")

    def behave(self, merchant: str, behaviour: dict[str, Any]) -> None:
        """Change what one does; what is left out is as everybody's."""
        self._ask("PUT", f"/admin/merchants/{merchant}", behaviour)

    def heal(self, merchant: str) -> None:
        """It behaves as all others again."""
        self._ask("DELETE", f"/admin/merchants/{merchant}")

    def effects(self, run: str) -> dict[str, dict[str, dict[str, int]]]:
        """The merchants' own book, by order and step."""
        orders: dict[str, dict[str, dict[str, int]]] = self._ask("GET", f"/admin/receipts?run={run}-")["orders"]
        return orders

    def calls(self) -> list[Call]:
        """The log since it was last asked for."""
        return [Call(*each) for each in self._ask("GET", "/calls")]

    def close(self) -> None:
        """Leave no process behind."""
        self.running.end(1.0)

    def _answers(self) -> bool:
        self.running.alive()
        try:
            return self._ask("GET", "/admin/stats") is not None
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - our own URL
        with _DIRECT.open(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

"""The process of `fast_merchant`, which plays all merchants of the comparison."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.comparison.measuring.program_process import ProgramProcess
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class MerchantProcess:
    """All merchants of a run, and their admin endpoint."""

    def __init__(self, python: Path, log: Path) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [str(python), "-m", "benchmarks.comparison.fast_merchant", str(self.port)]
        self.running = ProgramProcess(command, {}, log, None)
        until(self._answers, "the merchants to answer")

    def ask(self, what: str, **document: Any) -> dict[str, Any]:
        """One call of the admin endpoint."""
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

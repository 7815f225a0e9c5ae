"""A RabbitMQ of the run's own, which may be restarted, killed and starved."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from benchmarks.chaos_worker.waiting import until_found
from tests.harness.hack import adopt_tools, hack
from tests.harness.vhosts import api
from tests.worker.running import free_port

_STARTING = 1800.0  # seconds; cold, Docker is installed and the image is built first
_BACK = 120.0


@dataclass(frozen=True)
class OwnBroker:
    """The container, and its addresses with credentials that may do everything."""

    container: str
    amqp_url: str
    mgmt_url: str

    async def restart(self, *, crash: bool) -> None:
        """Stop it, or kill it, and start it again. Returns when it answers."""
        if crash:
            await until_found(lambda: _docker("kill", self.container), "the broker to be killed", _BACK)
            await until_found(lambda: _docker("start", self.container), "the broker to be started", _BACK)
        else:
            await until_found(lambda: _docker("restart", self.container), "the broker to restart", _BACK)
        await until_found(self._answers, "the broker to answer again", _BACK)

    def starve(self) -> bool:
        """Let it have no memory: it blocks all who publish."""
        return self._ctl("set_vm_memory_high_watermark", "absolute", "1")

    def feed(self) -> bool:
        """Let it have memory again."""
        return self._ctl("set_vm_memory_high_watermark", "0.6")

    def _ctl(self, *command: str) -> bool:
        return _docker("exec", self.container, "rabbitmqctl", *command)

    def _answers(self) -> bool:
        try:
            return api(self.mgmt_url, "GET", "health/checks/virtual-hosts") is not None
        except OSError:
            return False


@contextmanager
def own_broker() -> Iterator[OwnBroker]:
    """Started as the tests' broker is, and removed afterwards."""
    hack("docker-up", within=_STARTING)
    adopt_tools()
    name, amqp, management = f"merchantroute-chaos-{uuid4().hex[:8]}", free_port(), free_port()
    try:
        hack("rabbitmq-test-up", name, str(amqp), str(management), within=_STARTING)
        yield OwnBroker(name, f"amqp://test:test@127.0.0.1:{amqp}", f"http://test:test@127.0.0.1:{management}")
    finally:
        hack("rabbitmq-test-down", name, within=60)


def _docker(*command: str) -> bool:
    return subprocess.run(["docker", *command], capture_output=True, timeout=120).returncode == 0

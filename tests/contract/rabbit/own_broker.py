"""A broker of the test's own, whose plugins can be taken from it."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.hack import adopt_tools, hack
from tests.worker.waiting import until

STARTING = 600.0  # seconds; the image may have to be built first


@dataclass(frozen=True)
class OwnBroker:
    """Its address, and its own command line."""

    container: str
    address: BrokerAddress

    def enable(self, plugin: str) -> None:
        """What the port's message tells the broker's owner to do."""
        self._run("rabbitmq-plugins", "enable", plugin)

    def wait_until_started(self) -> None:
        # await_startup waits for a node that boots, and fails at once for one that has not begun to.
        command = ("rabbitmqctl", "await_startup", "--timeout", "60")
        until(lambda: self._ended(*command).returncode == 0, "the broker to have started", STARTING)

    def block_publishing(self) -> None:
        """Raise its memory alarm, as a broker does that is out of memory."""
        self._run("rabbitmqctl", "set_vm_memory_high_watermark", "absolute", "1MB")

    def unblock_publishing(self) -> None:
        """End the alarm."""
        self._run("rabbitmqctl", "set_vm_memory_high_watermark", "0.6")

    def _run(self, *command: str) -> None:
        ended = self._ended(*command)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _ended(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["docker", "exec", self.container, *command], capture_output=True, text=True, timeout=90)


@contextmanager
def own_broker() -> Iterator[OwnBroker]:
    """Started without a single plugin, as Debian's package does, and removed afterwards."""
    hack("docker-up", within=STARTING)
    adopt_tools()
    hack("build-images", "rabbitmq", within=STARTING)
    name, amqp, management = f"merchantroute-own-{uuid4().hex[:8]}", _free_port(), _free_port()
    command = [
        "docker", "run", "--detach", "--rm", "--name", name, "--read-only", "--tmpfs", "/tmp",  # noqa: S108
        "--publish", f"127.0.0.1:{amqp}:5672", "--publish", f"127.0.0.1:{management}:15672",
        "--env", "RABBITMQ_DEFAULT_USER=test", "--env", "RABBITMQ_DEFAULT_PASS=test",
        "--env", "RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins",
        hack("image-tag", "rabbitmq", within=60).strip(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    try:
        broker = OwnBroker(
            name, BrokerAddress("127.0.0.1", amqp, "test", "test", "/", f"http://127.0.0.1:{management}")
        )
        broker.wait_until_started()
        yield broker
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

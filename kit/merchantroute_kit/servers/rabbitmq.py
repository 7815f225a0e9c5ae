"""RabbitMQ in a container, started by hack/rabbitmq-test-up: its address, its command line, its restarts.

A run starts one for all its tests; what harms a broker (a restart, a memory alarm, missing plugins) starts its own.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from merchantroute_kit.servers.hack import adopt_tools, hack
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.servers.vhosts import api
from merchantroute_kit.waiting import until, until_async

USER = PASSWORD = "test"  # noqa: S105 - of brokers on loopback that live for one run
STARTING = 1800.0  # seconds; cold, Docker is installed and the image is built first
_BACK = 120.0


class OnLoopback:
    """Where a broker is reached: two ports on 127.0.0.1, its own or a load balancer's. `USER` may do everything."""

    amqp_port: int
    management_port: int

    @property
    def amqp_url(self) -> str:
        """amqp://user:password@host:port, without a virtual host."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.amqp_port}"

    @property
    def mgmt_url(self) -> str:
        """http://user:password@host:port of the management API, without /api."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.management_port}"


@dataclass(frozen=True)
class RabbitMQ(OnLoopback):
    """A broker of our own: its container, and its ports on 127.0.0.1. `USER` may do everything."""

    container: str
    amqp_port: int
    management_port: int

    async def restart(self, *, crash: bool) -> None:
        """Stop it, or kill it, and start it again. Returns when it answers."""
        for command in ("kill", "start") if crash else ("restart",):
            await until_async(partial(docker, command, self.container), f"docker {command}", _BACK, in_thread=True)
        await until_async(self.answers, "the broker to answer again", _BACK, in_thread=True)

    def stop(self) -> None:
        """Stop it: its port refuses connections until `start_again`."""
        until(partial(docker, "stop", self.container), "docker stop", _BACK)

    def start_again(self) -> None:
        """Start it after `stop`, with its data and its ports. Returns when it answers."""
        until(partial(docker, "start", self.container), "docker start", _BACK)
        until(self.answers, "the broker to answer again", _BACK)

    def starve(self) -> bool:
        """Raise its memory alarm: it then blocks everybody who publishes. False when it does not listen."""
        return self.run("rabbitmqctl", "set_vm_memory_high_watermark", "absolute", "1")

    def feed(self) -> bool:
        """End the alarm."""
        return self.run("rabbitmqctl", "set_vm_memory_high_watermark", "0.6")

    def enable(self, plugin: str) -> bool:
        """Enable a plugin."""
        return self.run("rabbitmq-plugins", "enable", plugin)

    def run(self, *command: str) -> bool:
        """Run a command in the container; whether it succeeded."""
        return docker("exec", self.container, *command)

    def answers(self) -> bool:
        """Whether its management API says that every virtual host is up."""
        try:
            return api(self.mgmt_url, "GET", "health/checks/virtual-hosts") is not None
        except OSError:
            return False


def start(container: str, settings: str | None = None) -> RabbitMQ:
    """Start a broker in a container of this name, on free ports; returns when it answers.

    ``settings`` are arguments of its Erlang (`-rabbit quorum_tick_interval 30000`) in place of the usual ones.
    """
    hack("docker-up", within=STARTING)
    adopt_tools()
    broker = RabbitMQ(container, free_port(), free_port())
    try:
        ports = str(broker.amqp_port), str(broker.management_port)
        env = {} if settings is None else {"MR_RABBITMQ_SETTINGS": settings}
        hack("rabbitmq-test-up", container, *ports, within=STARTING, **env)
    except BaseException:
        remove(container)
        raise
    return broker


def remove(container: str) -> None:
    """Remove the container with the broker's data."""
    hack("rabbitmq-test-down", container, within=60)


@contextmanager
def own_broker(settings: str | None = None) -> Iterator[RabbitMQ]:
    """A broker for the time of the block, which may be restarted, killed and starved; ``settings`` as for `start`."""
    broker = start(own_name(), settings)
    try:
        yield broker
    finally:
        remove(broker.container)


@contextmanager
def bare_broker() -> Iterator[RabbitMQ]:
    """A broker without a single plugin, as Debian's package starts it; so there is no management API to wait for."""
    broker = RabbitMQ(own_name(), free_port(), free_port())
    with _container(broker, "--env", "RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins"):
        yield broker


@dataclass(frozen=True)
class TLSPorts:
    """Ports on 127.0.0.1 of a broker that speaks TLS."""

    amqp: int
    management: int


@contextmanager
def tls_broker(certificates: Path) -> Iterator[tuple[RabbitMQ, TLSPorts]]:
    """A broker that speaks TLS beside plain AMQP, and asks for a client certificate on both TLS ports.

    Over AMQP the certificate may also stand for a password: it logs in the user that its common name says.

    `certificates` is a folder with ca.crt, which signed its own certificate and has to have signed its clients',
    tls.crt and tls.key.
    """
    broker, tls = RabbitMQ(own_name(), free_port(), free_port()), TLSPorts(free_port(), free_port())
    (certificates / "90-tls.conf").write_text(_TLS)
    (certificates / "plugins").write_text(_PLUGINS)
    for path in (certificates, *certificates.iterdir()):  # the broker is another user
        path.chmod(0o755)
    options = (
        "--volume", f"{certificates}:/tls:ro",
        "--volume", f"{certificates}/90-tls.conf:/etc/rabbitmq/conf.d/90-tls.conf:ro",
        "--env", "RABBITMQ_ENABLED_PLUGINS_FILE=/tls/plugins",
        "--publish", f"127.0.0.1:{tls.amqp}:5671", "--publish", f"127.0.0.1:{tls.management}:15671",
    )  # fmt: skip
    with _container(broker, *options):
        until(broker.answers, "the broker's management API to answer", 120)
        yield broker, tls


_ASKS = (
    "cacertfile = /tls/ca.crt",
    "certfile = /tls/tls.crt",
    "keyfile = /tls/tls.key",
    "verify = verify_peer",
    "fail_if_no_peer_cert = true",
)
_PLUGINS = "[rabbitmq_auth_mechanism_ssl,rabbitmq_consistent_hash_exchange,rabbitmq_management,rabbitmq_prometheus].\n"
_TLS = "\n".join(
    [
        "listeners.ssl.default = 5671",
        *(f"ssl_options.{line}" for line in _ASKS),
        "management.ssl.port = 15671",
        *(f"management.ssl.{line}" for line in _ASKS),
        "auth_mechanisms.1 = PLAIN",
        "auth_mechanisms.2 = EXTERNAL",
        "ssl_cert_login_from = common_name",
        "",
    ]
)


@contextmanager
def _container(broker: RabbitMQ, *options: str) -> Iterator[None]:
    """A container of its own for the time of the block, in which the broker has started."""
    hack("docker-up", within=STARTING)
    adopt_tools()
    hack("build-images", "rabbitmq", within=STARTING)
    command = [
        "docker", "run", "--detach", "--rm", "--name", broker.container, "--read-only", "--tmpfs", "/tmp",  # noqa: S108
        "--publish", f"127.0.0.1:{broker.amqp_port}:5672",
        "--publish", f"127.0.0.1:{broker.management_port}:15672",
        "--env", f"RABBITMQ_DEFAULT_USER={USER}", "--env", f"RABBITMQ_DEFAULT_PASS={PASSWORD}",
        *options,
        hack("image-tag", "rabbitmq", within=60).strip(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    try:
        # await_startup waits for a node that boots, and fails at once for one that has not begun to.
        booted = ("rabbitmqctl", "await_startup", "--timeout", "60")
        until(lambda: broker.run(*booted), "the broker to have started", 600)
        yield
    finally:
        remove(broker.container)


def own_name() -> str:
    """A container's name that no other has. It carries the process that leads the run: whoever finds the container can
    tell whether it is still used.
    """
    return f"merchantroute-own-{os.environ.get('MR_TEST_LEADER', os.getpid())}-{uuid4().hex[:8]}"


def docker(*command: str) -> bool:
    """Run docker; whether it succeeded."""
    return subprocess.run(["docker", *command], capture_output=True, timeout=120).returncode == 0

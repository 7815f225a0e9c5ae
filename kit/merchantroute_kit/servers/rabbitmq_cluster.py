"""Three RabbitMQ nodes as one broker, in containers on a network of their own, behind a load balancer.

What a single node cannot show is played on them: a node that dies, one that the others do not reach, one that stands
still, one whose disk is full. Clients know one address, as they know a Service in a cluster.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from merchantroute_kit.servers.hack import adopt_tools, hack
from merchantroute_kit.servers.load_balancer import LoadBalancer
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.servers.rabbitmq import PASSWORD, STARTING, USER, OnLoopback, RabbitMQ, docker, own_name, remove
from merchantroute_kit.servers.vhosts import api
from merchantroute_kit.waiting import until

COUNT = 3
# Who does not answer for so long is taken for gone. A server's own 60 s would make a test wait a minute to see it.
TICK = 8  # seconds
_BOOTING = 300.0
_COMMAND = 60.0
_NO_DISK = str(10**18)  # bytes that are to be free: no disk has them
_ENOUGH = "200MB"  # as images/rabbitmq has it


@dataclass(frozen=True)
class Node(RabbitMQ):
    """One of the three: `name` is Erlang's; its ports on 127.0.0.1 lead to it alone."""

    name: str
    network: str

    @property
    def host(self) -> str:
        """What the other nodes call it."""
        return self.name.partition("@")[2]

    def kill(self) -> None:
        """Kill it; its data stays for `start_again`."""
        until(lambda: docker("kill", self.container), f"docker kill {self.host}", _COMMAND)

    def cut_off(self) -> None:
        """Take it off the network of the nodes: no node reaches it, clients still do."""
        until(lambda: docker("network", "disconnect", self.network, self.container), "docker network", _COMMAND)

    def reach(self) -> None:
        """Put it back there."""
        join = ("network", "connect", "--alias", self.host, self.network, self.container)
        until(lambda: docker(*join), "docker network", _COMMAND)

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stand, new ones are accepted, nothing is answered."""
        until(lambda: docker("pause", self.container), f"docker pause {self.host}", _COMMAND)

    def thaw(self) -> None:
        """Let them go on."""
        until(lambda: docker("unpause", self.container), f"docker unpause {self.host}", _COMMAND)

    def fill_disk(self) -> bool:
        """Raise its disk alarm: all nodes then block everybody who publishes."""
        return self.run("rabbitmqctl", "set_disk_free_limit", _NO_DISK)

    def free_disk(self) -> bool:
        """End the alarm."""
        return self.run("rabbitmqctl", "set_disk_free_limit", _ENOUGH)


@dataclass(frozen=True)
class RabbitMQCluster(OnLoopback):
    """The nodes, and the two ports of the load balancer, on which clients reach some node or other."""

    nodes: tuple[Node, ...]
    amqp_port: int
    management_port: int

    def leader(self, vhost: str, queue: str) -> Node:
        """The node that leads a quorum queue; only while all nodes run."""
        found = api(self.nodes[0].mgmt_url, "GET", f"queues/{vhost}/{queue}?columns=leader")["leader"]
        return next(node for node in self.nodes if node.name == found)

    def others(self, node: Node) -> tuple[Node, ...]:
        """The nodes but for this one."""
        return tuple(other for other in self.nodes if other != node)

    def leads_elsewhere(self, node: Node, vhost: str, queue: str) -> bool:
        """Whether the others have another leader for a quorum queue that this one led."""
        try:
            found = api(self.others(node)[0].mgmt_url, "GET", f"queues/{vhost}/{queue}?columns=leader")
        except OSError:
            return False
        return found.get("leader") not in (None, node.name)

    def is_without(self, node: Node) -> bool:
        """Whether each of the other nodes sees that this one does not run."""
        return all(node.name not in self._running(other) for other in self.others(node))

    def is_whole(self, vhost: str) -> bool:
        """Whether every node sees all run, and every quorum queue has all of its members."""
        if any(len(self._running(node)) < COUNT for node in self.nodes):
            return False
        try:
            queues = api(self.nodes[0].mgmt_url, "GET", f"queues/{vhost}?columns=type,members,online,state")
        except OSError:
            return False
        return all(
            queue.get("state") == "running" and len(queue.get("online", ())) == len(queue.get("members", ())) == COUNT
            for queue in queues
            if queue.get("type") == "quorum"
        )

    def _running(self, node: Node) -> set[str]:
        """The nodes that this one sees running; none while it does not answer."""
        try:
            return {one["name"] for one in api(node.mgmt_url, "GET", "nodes?columns=name,running") if one["running"]}
        except OSError:
            return set()


@contextmanager
def own_cluster(*, khepri: bool = False) -> Iterator[RabbitMQCluster]:
    """Three nodes for the time of the block; with ``khepri`` as their metadata store, else with the usual one."""
    hack("docker-up", within=STARTING)
    adopt_tools()
    image = os.environ.get("MR_RABBITMQ", "rabbitmq")
    hack("build-images", image, within=STARTING)
    tag = hack("image-tag", image, within=60).strip()
    name = own_name()
    nodes = tuple(
        Node(f"{name}-n{number}", free_port(), free_port(), f"rabbit@n{number}", name) for number in range(1, COUNT + 1)
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = folder / "50-cluster.conf"
        settings.write_text(_formation(nodes))
        for path in (folder, settings):  # the broker is another user
            path.chmod(0o755)
        # Internal: it leads to the other nodes alone. The ports are published on Docker's usual network.
        _run("network", "create", "--internal", name)
        stack.callback(docker, "network", "rm", name)
        for node in nodes:
            stack.callback(remove, node.container)
            _create(node, settings, tag)
        _run("start", *(node.container for node in nodes))
        for node in nodes:
            until(node.answers, f"{node.host} to answer", _BOOTING, interval=0.5)
        if khepri:
            assert nodes[0].run("rabbitmqctl", "enable_feature_flag", "--opt-in", "khepri_db")  # noqa: S101
        balancer = LoadBalancer([node.amqp_port for node in nodes], [node.management_port for node in nodes])
        stack.callback(balancer.close)
        yield RabbitMQCluster(nodes, *balancer.ports)


def _formation(nodes: tuple[Node, ...]) -> str:
    return "\n".join(
        [
            "cluster_formation.peer_discovery_backend = classic_config",
            *(f"cluster_formation.classic_config.nodes.{number} = {node.name}" for number, node in enumerate(nodes, 1)),
            "cluster_partition_handling = pause_minority",
            "",
        ]
    )


def _create(node: Node, settings: Path, tag: str) -> None:
    erlang = (
        f"+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel net_ticktime {TICK}"
        " -rabbit collect_statistics_interval 1000 -rabbit quorum_tick_interval 1000"
    )
    _run(
        "create", "--name", node.container, "--hostname", node.host, "--label", "merchantroute.test=rabbitmq",
        "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",  # noqa: S108
        "--env", f"RABBITMQ_NODENAME={node.name}", "--env", f"RABBITMQ_ERLANG_COOKIE={PASSWORD}",
        "--env", f"RABBITMQ_DEFAULT_USER={USER}", "--env", f"RABBITMQ_DEFAULT_PASS={PASSWORD}",
        "--env", f"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS={erlang}",
        "--volume", f"{settings}:/etc/rabbitmq/conf.d/{settings.name}:ro",
        "--publish", f"127.0.0.1:{node.amqp_port}:5672", "--publish", f"127.0.0.1:{node.management_port}:15672",
        tag,
    )  # fmt: skip
    _run("network", "connect", "--alias", node.host, node.network, node.container)


def _run(*command: str) -> None:
    subprocess.run(["docker", *command], check=True, capture_output=True, timeout=120)

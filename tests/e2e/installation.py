"""An installation of everything: Kubernetes through `kubectl proxy`, RabbitMQ and merchant-sim by NodePort."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from merchantroute_kit.servers.vhosts import api
from merchantroute_kit.waiting import until
from merchantroute_kit.wire.hosts import in_url
from tests.harness.cluster import Kubectl

Json = dict[str, Any]
AMQP, MANAGEMENT, MERCHANTS = 30672, 31672, 30080  # NodePorts of manifests/overlays/kind
ROUTES = "apis/merchantroute.dev/v1alpha1"
# Everything is on this machine: a proxy of the environment would know nothing of it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Installation:
    """What all tests share. `leftovers` is closed at the end of the run: the broker outlives the routes in it."""

    kubectl: Kubectl
    proxy: str
    node: str  # as it stands in a URL
    username: str
    password: str = field(repr=False)
    leftovers: ExitStack = field(repr=False)

    @property
    def amqp_url(self) -> str:
        """The broker as its administrator reaches it, without a virtual host."""
        return f"amqp://{self.username}:{self.password}@{self.node}:{AMQP}"

    @property
    def management_url(self) -> str:
        """The management API with the administrator's credentials."""
        return f"http://{self.username}:{self.password}@{self.node}:{MANAGEMENT}"

    @property
    def merchants_url(self) -> str:
        """merchant-sim's switchboard."""
        return f"http://{self.node}:{MERCHANTS}"

    def is_open(self) -> bool:
        """Whether RabbitMQ's management and merchant-sim answer at their NodePorts."""
        try:
            api(self.management_url, "GET", "overview")
            with _OPENER.open(f"{self.merchants_url}/admin/stats", timeout=10):
                return True
        except OSError:
            return False

    def get(self, path: str) -> Json | None:
        """An object or list of the API server; None where there is none."""
        text = self.text(path)
        return None if text is None else json.loads(text)

    def text(self, path: str) -> str | None:
        """What the API server answers to GET `path`; None for 404."""
        try:
            with _OPENER.open(f"{self.proxy}/{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise AssertionError(f"GET {path}: {error.code} {error.read().decode()[:500]}") from error

    def items(self, path: str) -> list[Json]:
        """The objects of a list."""
        found = self.get(path)
        return found["items"] if found else []

    def rabbit(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the broker's management API as its administrator; None for 404."""
        try:
            return api(self.management_url, method, path, body)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


@contextmanager
def opened(kubeconfig: Path, kubectl: Kubectl) -> Iterator[Installation]:
    """An installed cluster; removes on the way out what tests left in the broker."""
    secret = json.loads(kubectl("-n", "orders", "get", "secret", "rabbitmq-pos-default-user", "-o", "json"))["data"]
    addresses = "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}"
    with _proxy(kubeconfig) as proxy, ExitStack() as leftovers:
        installation = Installation(
            kubectl=kubectl,
            proxy=proxy,
            node=in_url(kubectl("get", "nodes", "-o", addresses).split()[0]),
            username=b64decode(secret["username"]).decode(),
            password=b64decode(secret["password"]).decode(),
            leftovers=leftovers,
        )
        # A Service leads to its pods a moment after they are ready: when every node's kube-proxy has heard of them.
        until(installation.is_open, "the NodePorts to lead to RabbitMQ and merchant-sim", 90)
        yield installation


@contextmanager
def _proxy(kubeconfig: Path) -> Iterator[str]:
    """The API server on a port of this machine: a look costs no process."""
    command = ["kubectl", "--kubeconfig", str(kubeconfig), "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            said = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:\d+", said)
            assert found, f"kubectl proxy said {said!r}"
            yield f"http://{found.group()}"
        finally:
            process.kill()

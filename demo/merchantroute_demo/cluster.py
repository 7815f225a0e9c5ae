"""The demo's reads from Kubernetes: the route and its readiness, the broker's Secret, the node's address, the pods."""

import asyncio
import base64
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import ClientError
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from merchantroute_demo.route import OwnQueue, Route, condition, own_queues
from merchantroute_kit.errors import StepFailed
from merchantroute_kit.wire.broker import Broker
from merchantroute_kit.wire.hosts import in_url

AMQP_PORT, MANAGEMENT_PORT, MERCHANTS_PORT = 30672, 31672, 30080  # NodePorts of manifests/overlays/kind
_PERIOD = 1.0  # seconds between two looks at a route that is not Ready yet


@dataclass(frozen=True)
class Pods:
    """A tier's pods: those ready, and all."""

    ready: int = 0
    all: int = 0


class Cluster:
    """An `async with` reader of one cluster, through a kubeconfig file."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._api: client.ApiClient | None = None

    async def __aenter__(self) -> "Cluster":
        if not self._kubeconfig.exists():
            raise StepFailed(
                "read the kubeconfig",
                f"{self._kubeconfig} does not exist",
                "`make demo` writes it when it makes the cluster; or give --kubeconfig",
            )
        try:
            self._api = await config.new_client_from_config(str(self._kubeconfig))  # type: ignore[no-untyped-call]
        except (OSError, config.ConfigException) as error:
            raise StepFailed(
                "read the kubeconfig",
                f"{self._kubeconfig}: {error}",
                "`make demo` writes it anew",
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._api is not None:
            await self._api.close()  # type: ignore[no-untyped-call]

    async def route(self, namespace: str, name: str) -> dict[str, Any]:
        """The MerchantRoute as it is in the API server."""
        asked = client.CustomObjectsApi(self._api).get_namespaced_custom_object(
            "merchantroute.dev", "v1alpha1", namespace, "merchantroutes", name
        )
        return await _read(
            f"MerchantRoute {namespace}/{name}",
            asked,
            todo="Apply it: `kubectl apply --server-side -f manifests/samples/merchantroute.yaml`",
        )

    async def own_queues(self, route: Route) -> dict[str, OwnQueue]:
        """The own queues of the route's merchants, by merchant."""
        return own_queues(await self.route(route.namespace, route.name))

    async def node_address(self) -> str:
        """The node's InternalIP, which reaches NodePorts from this machine."""
        nodes = await _read("nodes", client.CoreV1Api(self._api).list_node())
        for address in nodes.items[0].status.addresses:
            if address.type == "InternalIP":
                return str(address.address)
        raise StepFailed("find the node", "it has no InternalIP", "Look at `kubectl get nodes -o wide`")

    async def broker(self, route: Route) -> Broker:
        """The route's broker by its NodePorts, with the credentials of the route's Secret."""
        asked = client.CoreV1Api(self._api).read_namespaced_secret(route.secret, route.namespace)
        secret = await _read(f"Secret {route.namespace}/{route.secret}", asked)
        data = {key: base64.b64decode(value).decode() for key, value in secret.data.items()}
        node = await self.node_address()
        return Broker(
            host=node,
            port=AMQP_PORT,
            management=f"http://{in_url(node)}:{MANAGEMENT_PORT}",
            username=data["username"],
            password=data["password"],
            vhost=data.get("vhost", "/"),
        )

    async def pods(self, route: Route) -> dict[str, Pods]:
        """The workers' pods by tier."""
        asked = client.CoreV1Api(self._api).list_namespaced_pod(
            route.namespace, label_selector=f"merchantroute.dev/route={route.name}"
        )
        counted: dict[str, Pods] = {}
        for pod in (await _read("pods", asked)).items:
            tier = pod.metadata.labels.get("merchantroute.dev/tier", "?")
            ready = any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or [])
            seen = counted.get(tier, Pods())
            counted[tier] = Pods(seen.ready + ready, seen.all + 1)
        return counted


async def _read(what: str, asked: Awaitable[Any], todo: str = "Look at `kubectl get pods -A`") -> Any:
    """The answer, within 15 s, or StepFailed with what the API server said."""
    try:
        return await asyncio.wait_for(asked, 15)
    except (ApiException, ClientError, OSError) as error:
        why = f"{error.status} {error.reason}" if isinstance(error, ApiException) else repr(error)
        raise StepFailed("read from the cluster", f"{what}: {why}", todo) from error


async def ready_route(cluster: Cluster, namespace: str, name: str, within: float) -> dict[str, Any]:
    """The route once it is Ready. StepFailed after `within` seconds, with what its conditions say."""
    try:
        async with asyncio.timeout(within):
            while True:
                found = await cluster.route(namespace, name)
                if is_ready(found):
                    return found
                await asyncio.sleep(_PERIOD)
    except TimeoutError:
        found = await cluster.route(namespace, name)
        said = [f"{kind} {condition(found, kind)}" for kind in ("Ready", "QueuesReady", "WorkersAvailable")]
        raise StepFailed(
            "wait for the route",
            f"{namespace}/{name} was not Ready within {within:.0f} s: {'; '.join(said)}",
            f"Look at `kubectl -n {namespace} describe mr {name}` and the operator's log: "
            "`kubectl -n merchantroute-system logs deployment/merchantroute-operator`",
        ) from None


def is_ready(found: dict[str, Any]) -> bool:
    """Ready, and the operator has seen the newest generation."""
    status = found.get("status", {})
    return (
        condition(found, "Ready")[0] == "True" and status.get("observedGeneration") == found["metadata"]["generation"]
    )

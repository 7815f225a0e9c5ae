"""What the cluster says of an address: whether it is a Service's, and which are nodes' and the API server's.

A Service without a selector leads wherever somebody wrote it to, so that its address says nothing of where it ends:
such a Service counts as none. So does a pod in its node's network, whose address is the node's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.paths import collection, item
from merchantroute_operator.spec.broker_rules import Address, literal

SERVICE_LASTS = 60.0  # seconds for which an address that was found to be a Service's counts as one
HOSTS_LAST = 300.0  # seconds until nodes are read again
PAGE = 500  # nodes of one answer
LABEL_SERVICE = "kubernetes.io/service-name"  # on every EndpointSlice of a Service, as Kubernetes sets it


class ClusterAddresses:
    """See ``dialer.Cluster``. ``clock`` is in monotonic seconds, ``environment`` the pod's."""

    def __init__(
        self,
        api: Api,
        clock: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._api = api
        self._clock = clock
        self._api_server = environment.get("KUBERNETES_SERVICE_HOST", "")
        self._services: dict[tuple[str, str, Address], float] = {}  # until when
        self._hosts: frozenset[Address] = frozenset()
        self._hosts_until = float("-inf")

    async def is_of_service(self, namespace: str, name: str, address: Address) -> bool:
        """Whether ``address`` is the Service's own, or that of a pod behind it where it has none of its own.

        Raises ``KubeError``.
        """
        now = self._clock()
        self._services = {known: until for known, until in self._services.items() if until > now}
        if (namespace, name, address) in self._services:
            return True
        try:
            service = await self._api.call("GET", item("Service", namespace, name), kind="Service", name=name)
        except NotFound:
            return False
        spec = service["spec"]
        if not spec.get("selector"):
            return False
        own = [ip for ip in spec.get("clusterIPs") or () if ip != "None"]
        if not (address in _read(own) or (not own and await self._is_of_pod(namespace, name, address))):
            return False
        self._services[namespace, name, address] = now + SERVICE_LASTS
        return True

    async def hosts(self) -> frozenset[Address]:
        """The addresses of all nodes and of the API server. Raises ``KubeError``."""
        if self._clock() >= self._hosts_until:
            nodes = [address for node in await self._nodes() for address in _of_node(node)]
            server = [literal(self._api_server)] if self._api_server else []
            behind = [ip for slice_ in await self._slices("default", "kubernetes") for ip, _ in _endpoints(slice_)]
            self._hosts = frozenset((*nodes, *_read(behind), *(one for one in server if one is not None)))
            self._hosts_until = self._clock() + HOSTS_LAST
        return self._hosts

    async def _is_of_pod(self, namespace: str, service: str, address: Address) -> bool:
        """Whether a pod behind the Service has the address, in a network of its own."""
        for slice_ in await self._slices(namespace, service):
            for ip, endpoint in _endpoints(slice_):
                target = endpoint.get("targetRef") or {}
                if literal(ip) == address and target.get("kind") == "Pod":
                    return await self._is_pods_own(namespace, str(target.get("name")), address)
        return False

    async def _is_pods_own(self, namespace: str, name: str, address: Address) -> bool:
        try:
            pod = await self._api.call("GET", item("Pod", namespace, name), kind="Pod", name=name)
        except NotFound:
            return False
        own = _read(str(each.get("ip")) for each in pod.get("status", {}).get("podIPs") or ())
        return address in own and not pod["spec"].get("hostNetwork")

    async def _slices(self, namespace: str, service: str) -> list[Object]:
        return await self._list("EndpointSlice", collection("EndpointSlice", namespace), f"{LABEL_SERVICE}={service}")

    async def _nodes(self) -> list[Object]:
        return await self._list("Node", "/api/v1/nodes", "")

    async def _list(self, kind: str, path: str, selector: str) -> list[Object]:
        found: list[Object] = []
        query = {"limit": str(PAGE), **({"labelSelector": selector} if selector else {})}
        while True:
            page = await self._api.call("GET", path, kind=kind, name="*", query=query)
            found += page["items"]
            if not (after := page["metadata"].get("continue")):
                return found
            query["continue"] = after


def _endpoints(slice_: Object) -> Iterator[tuple[str, Object]]:
    """Each address of an EndpointSlice with its endpoint."""
    for endpoint in slice_.get("endpoints") or ():
        for ip in endpoint.get("addresses") or ():
            yield ip, endpoint


def _of_node(node: Object) -> frozenset[Address]:
    return _read(str(each.get("address")) for each in node.get("status", {}).get("addresses") or ())


def _read(texts: Iterable[str]) -> frozenset[Address]:
    """Those that are addresses and no names."""
    return frozenset(address for text in texts if (address := literal(text)) is not None)

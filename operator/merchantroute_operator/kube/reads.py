"""What the operator reads from the API server."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence

from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.autoscalers import autoscaler
from merchantroute_operator.kube.kube_port import Autoscaler, Children, Object, SecretData
from merchantroute_operator.kube.paths import collection, everywhere, item, namespace_path
from merchantroute_operator.naming import AUXILIARY_KINDS, KIND, LABEL_CREDENTIALS, LABEL_ROUTE, MERCHANT
from merchantroute_operator.resources.workload.own_pods import is_worker

PAGE = 500  # objects of one answer, about a megabyte


class Reads:
    """The reading half of the port; see ``port.Kube``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def cluster_id(self) -> str:
        """The UID of namespace kube-system."""
        namespace = await self._api.call("GET", namespace_path("kube-system"), kind="Namespace", name="kube-system")
        return str(namespace["metadata"]["uid"])

    def server_time(self) -> float | None:
        """The API server's own clock, by the last answer's date."""
        return self._api.server_time()

    async def namespace_is_terminating(self, namespace: str) -> bool:
        """True when the namespace is going away or gone."""
        try:
            found = await self._api.call("GET", namespace_path(namespace), kind="Namespace", name=namespace)
        except NotFound:
            return True
        return "deletionTimestamp" in found["metadata"]

    async def route(self, namespace: str, name: str) -> Object | None:
        """The MerchantRoute, or None."""
        return await self._read(KIND, namespace, name)

    async def merchants(self, namespace: str) -> list[Object] | None:
        """All Merchant objects, page by page: one answer with thousands would take the API server's memory."""
        found: list[Object] = []
        query = {"limit": str(PAGE)}
        while True:
            try:
                page = await self._api.call(
                    "GET", collection(MERCHANT, namespace), kind=MERCHANT, name="*", query=query
                )
            except NotFound:
                return None
            found += page["items"]
            after = page["metadata"].get("continue")
            if not after:
                return found
            query = {"limit": str(PAGE), "continue": after}

    async def versions(self, kind: str, namespaces: Sequence[str]) -> Mapping[tuple[str, str], str]:
        """The resourceVersion of every object by namespace and name: only the metadata is read, page by page."""
        found: dict[tuple[str, str], str] = {}
        for path in [collection(kind, namespace) for namespace in namespaces] or [everywhere(kind)]:
            query = {"limit": str(PAGE)}
            while query:
                page = await self._api.page(path, kind=kind, query=query, metadata_only=True)
                for each in (body["metadata"] for body in page["items"] or ()):  # null where there are none
                    found[each["namespace"], each["name"]] = each["resourceVersion"]
                after = page["metadata"].get("continue")
                query = {**query, "continue": after} if after else {}
        return found

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        """A user's Secret, or None."""
        found = await self._read("Secret", namespace, name)
        return _secret(found) if found else None

    async def credential_secrets(self, namespace: str) -> Mapping[str, SecretData]:
        """The labelled Secrets of the namespace, by name."""
        found = await self._list("Secret", namespace, f"{LABEL_CREDENTIALS}=true")
        return {name: _secret(body) for name, body in found.items()}

    async def children(self, namespace: str, route: str) -> Children:
        """The route's children, by their label, and of the pods those that its Deployments made; all reads at once."""
        selector = f"{LABEL_ROUTE}={route}"
        kinds = ("Deployment", "ConfigMap", "Secret", "Pod")
        (deployments, config_maps, secrets, pods), auxiliaries = await asyncio.gather(
            asyncio.gather(*(self._list(kind, namespace, selector) for kind in kinds)),
            asyncio.gather(*(self._known(kind, namespace, selector) for kind in AUXILIARY_KINDS)),
        )
        known = {
            kind: objects for kind, objects in zip(AUXILIARY_KINDS, auxiliaries, strict=True) if objects is not None
        }
        workers = {name: pod for name, pod in pods.items() if is_worker(pod, route)}
        return Children(deployments, config_maps, secrets, workers, known)

    async def _read(self, kind: str, namespace: str, name: str) -> Object | None:
        if not name:
            return None  # the path without a name is that of all objects, and the answer a list
        try:
            return await self._api.call("GET", item(kind, namespace, name), kind=kind, name=name)
        except NotFound:
            return None

    async def autoscalers(self, namespace: str) -> Sequence[Autoscaler]:
        """Of both kinds; the API server answers 404 for a kind that it does not know."""
        found: list[Autoscaler] = []
        for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            listed = await self._known(kind, namespace, "")
            found += [each for each in (autoscaler(kind, body) for body in (listed or {}).values()) if each is not None]
        return found

    async def _known(self, kind: str, namespace: str, selector: str) -> dict[str, Object] | None:
        """None where the cluster does not know the kind: the API server answers 404."""
        try:
            return await self._list(kind, namespace, selector)
        except NotFound:
            return None

    async def _list(self, kind: str, namespace: str, selector: str) -> dict[str, Object]:
        """By name, page by page. The API server names the kind of a list, and not that of its items."""
        found: dict[str, Object] = {}
        query = {"limit": str(PAGE), **({"labelSelector": selector} if selector else {})}
        while True:
            page = await self._api.call(
                "GET",
                collection(kind, namespace),
                kind=kind,
                name=f"with {selector}" if selector else f"in {namespace}",
                query=query,
            )
            found |= {body["metadata"]["name"]: {"kind": kind, **body} for body in page["items"]}
            after = page["metadata"].get("continue")
            if not after:
                return found
            query = {**query, "continue": after}


def _secret(body: Object) -> SecretData:
    metadata = body["metadata"]
    return SecretData(
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        data={key: _decoded(value) for key, value in (body.get("data") or {}).items()},
        version=metadata["resourceVersion"],
    )


def _decoded(value: str | None) -> bytes:
    """Null stands for an empty value; what is no base64 the API server would not have stored."""
    try:
        return base64.b64decode(value or "")
    except binascii.Error:
        return b""

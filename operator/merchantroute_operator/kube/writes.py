"""What the operator writes to the API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from merchantroute_operator.errors import KubeConflict
from merchantroute_operator.kube.api import APPLY, MERGE, Api
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.kube_port import Kind, Object
from merchantroute_operator.kube.paths import item
from merchantroute_operator.naming import GROUP, KIND, MANAGER, MERCHANT, SCALER, VERSION

PODS_AT_ONCE = 8
VERSIONS = 5  # of a route that somebody changes while its status is written


class Writes:
    """The writing half of the port; see ``port.Kube``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def apply(self, body: Object) -> Object:
        """Server-side apply as ``merchantroute``, forced."""
        return await self._apply(body, {"force": "true"})

    async def dry_run(self, body: Object) -> Object:
        """The same without storing it; raises what the real one would."""
        return await self._apply(body, {"force": "true", "dryRun": "All"})

    async def create_deployment(self, body: Object, replicas: int) -> None:
        """Make the Deployment with its number of pods, which then belongs to the scaler.

        Two applies hand ``spec.replicas`` over: the first makes the object, by the second the scaler owns the number
        too, so that later applies without it leave it alone. A create by the scaler's manager would do that in one
        call, but it would own the whole object, and no later apply could remove a field from it any more. The first
        is not forced: an existing Deployment with another number is left as it is.
        """
        numbered = {**body, "spec": {**body["spec"], "replicas": replicas}}
        with contextlib.suppress(KubeConflict):
            await self._apply(numbered, {})
            await self._apply(_only_replicas(body, replicas), {}, manager=SCALER)

    async def scale(self, namespace: str, deployment: str, replicas: int) -> None:
        """Write ``/scale``."""
        await self._api.call(
            "PATCH",
            item("Deployment", namespace, deployment, "scale"),
            kind="Deployment",
            name=deployment,
            body={"spec": {"replicas": replicas}},
            content_type=MERGE,
            query={"fieldManager": SCALER},
        )

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete in the background."""
        query = {"propagationPolicy": "Background"}
        with contextlib.suppress(NotFound):
            await self._api.call("DELETE", item(kind, namespace, name), kind=kind, name=name, query=query)

    async def annotate_pods(self, namespace: str, names: Sequence[str], annotations: Mapping[str, str]) -> None:
        """Merge annotations into pods, a few at once."""
        slots = asyncio.Semaphore(PODS_AT_ONCE)

        async def one(name: str) -> None:
            async with slots:
                with contextlib.suppress(NotFound):
                    await self._merge("Pod", namespace, name, {"metadata": {"annotations": dict(annotations)}})

        await asyncio.gather(*map(one, names))

    async def write_status(self, route: Object, status: Object) -> str:
        """Server-side apply of the status subresource.

        A uid in it is no precondition, since all metadata of a status is passed over; a resourceVersion is one. Where
        it has moved on, the route is read again, and its uid says whether it is the same.
        """
        uid, version = route["metadata"]["uid"], route["metadata"]["resourceVersion"]
        namespace, name = route["metadata"]["namespace"], route["metadata"]["name"]
        for _ in range(VERSIONS):
            try:
                stored = await self._status(KIND, namespace, {"name": name, "resourceVersion": version}, status)
            except NotFound:
                return ""
            except KubeConflict:
                current = await self._current(namespace, name)
                if current is None:
                    return ""
                if current["uid"] != uid:
                    raise KubeConflict(f"{KIND} {name}: another one has been made under this name") from None
                version = current["resourceVersion"]
            else:
                return str(stored["metadata"]["resourceVersion"])
        raise KubeConflict(f"{KIND} {name}: others change it all the time")

    async def _current(self, namespace: str, name: str) -> Object | None:
        try:
            found = await self._api.call("GET", item(KIND, namespace, name), kind=KIND, name=name)
        except NotFound:
            return None
        metadata: Object = found["metadata"]
        return metadata

    async def write_merchant_status(self, namespace: str, name: str, version: int, status: Object) -> Object | None:
        """The same for a Merchant. A resourceVersion in it is a precondition; a uid is not, of a status."""
        try:
            return await self._status(MERCHANT, namespace, {"name": name, "resourceVersion": str(version)}, status)
        except NotFound:
            return None

    async def set_finalizers(self, route: Object, finalizers: Sequence[str]) -> None:
        """Replace the route's finalizers; a resourceVersion in a patch is a precondition. A gone route is fine."""
        metadata = route["metadata"]
        change = {"resourceVersion": metadata["resourceVersion"], "finalizers": list(finalizers)}
        with contextlib.suppress(NotFound):
            await self._merge(KIND, metadata["namespace"], metadata["name"], {"metadata": change})

    async def drop_annotation(self, route: Object, key: str) -> None:
        """Remove one of the route's annotations; null in a merge patch removes. A gone route is fine."""
        metadata = route["metadata"]
        change = {"resourceVersion": metadata["resourceVersion"], "annotations": {key: None}}
        with contextlib.suppress(NotFound):
            await self._merge(KIND, metadata["namespace"], metadata["name"], {"metadata": change})

    async def _apply(self, body: Object, query: Mapping[str, str], *, manager: str = MANAGER) -> Object:
        kind, metadata = body["kind"], body["metadata"]
        return await self._api.call(
            "PATCH",
            item(kind, metadata["namespace"], metadata["name"]),
            kind=kind,
            name=metadata["name"],
            body=body,
            content_type=APPLY,
            query={"fieldManager": manager, **query},
        )

    async def _status(self, kind: str, namespace: str, metadata: Object, status: Object) -> Object:
        return await self._api.call(
            "PATCH",
            item(kind, namespace, metadata["name"], "status"),
            kind=kind,
            name=metadata["name"],
            body={"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": metadata, "status": status},
            content_type=APPLY,
            query={"fieldManager": MANAGER, "force": "true"},
        )

    async def _merge(self, kind: str, namespace: str, name: str, body: Object) -> None:
        await self._api.call(
            "PATCH",
            item(kind, namespace, name),
            kind=kind,
            name=name,
            body=body,
            content_type=MERGE,
            query={"fieldManager": MANAGER},
        )


def _only_replicas(body: Object, replicas: int) -> Object:
    metadata = {"name": body["metadata"]["name"], "namespace": body["metadata"]["namespace"]}
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": metadata,
        "spec": {"replicas": replicas},
    }

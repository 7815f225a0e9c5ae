"""The Kubernetes port: what the core needs, as an interface; ``client.py`` implements it, tested on a real server.

Objects are plain JSON (``dict``), as the API server sends them. Every method raises only errors of ``errors.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from merchantroute_operator.naming import AuxiliaryKind

Object = dict[str, Any]
Kind = Literal["Deployment", "ConfigMap", "Secret"] | AuxiliaryKind


@dataclass(frozen=True, slots=True)
class SecretData:
    """A Secret that a user wrote: decoded data, never printed; ``version`` is its resourceVersion."""

    name: str
    labels: Mapping[str, str]
    data: Mapping[str, bytes]
    version: str = ""

    def __repr__(self) -> str:
        return f"SecretData({self.name})"


@dataclass(frozen=True, slots=True)
class Children:
    """A route's children by name, found by the route's label."""

    deployments: Mapping[str, Object]
    config_maps: Mapping[str, Object]
    secrets: Mapping[str, Object]
    pods: Mapping[str, Object]
    auxiliaries: Mapping[AuxiliaryKind, Mapping[str, Object]] = field(
        default_factory=dict
    )  # of the kinds that the cluster knows

    def kept(self) -> tuple[Mapping[str, Object], ...]:
        """Those that the operator writes, kind by kind."""
        return tuple(self.by_kind().values())

    def by_kind(self) -> dict[Kind, Mapping[str, Object]]:
        """Those that the operator writes, by kind and name."""
        found: dict[Kind, Mapping[str, Object]] = {
            "Deployment": self.deployments,
            "ConfigMap": self.config_maps,
            "Secret": self.secrets,
        }
        found.update(self.auxiliaries.items())
        return found


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """Somebody else's, that scales ``deployment``."""

    kind: str
    name: str
    deployment: str


class Kube(Protocol):
    """One API server."""

    async def cluster_id(self) -> str:
        """The UID of namespace kube-system: it distinguishes clusters on a shared broker."""

    def server_time(self) -> float | None:
        """The API server's own clock in epoch seconds, by its last answer; None before the first one."""

    async def route(self, namespace: str, name: str) -> Object | None:
        """The MerchantRoute, or None."""

    async def merchants(self, namespace: str) -> list[Object] | None:
        """All Merchant objects of the namespace; None where the cluster does not have the kind."""

    async def versions(self, kind: str, namespaces: Sequence[str]) -> Mapping[tuple[str, str], str]:
        """The resourceVersion of every object of a kind, by namespace and name; no namespaces are all of them.

        Raises ``NotFound`` where the cluster does not have the kind.
        """

    async def namespace_is_terminating(self, namespace: str) -> bool:
        """True when the namespace is going away or gone."""

    async def children(self, namespace: str, route: str) -> Children:
        """All kinds of objects that the operator writes and that carry the route's label, and its Deployments' pods."""

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        """A user's Secret, or None."""

    async def credential_secrets(self, namespace: str) -> Mapping[str, SecretData]:
        """The namespace's Secrets with the label merchantroute.dev/credentials=true, by name, in one read."""

    async def autoscalers(self, namespace: str) -> Sequence[Autoscaler]:
        """The namespace's autoscalers of Deployments; of kinds that the cluster does not know there are none."""

    async def apply(self, body: Object) -> Object:
        """Server-side apply as field manager ``merchantroute``, forced; returns the object as stored."""

    async def dry_run(self, body: Object) -> Object:
        """Server-side apply with dryRun=All: the object as it would be stored.

        Raises ``KubeInvalid`` with the API server's words.
        """

    async def create_deployment(self, body: Object, replicas: int) -> None:
        """Create with ``replicas`` as field manager ``merchantroute-scaler``; an existing one is left as it is."""

    async def scale(self, namespace: str, deployment: str, replicas: int) -> None:
        """Write ``/scale`` as ``merchantroute-scaler``."""

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete in the background; what is gone already is fine."""

    async def annotate_pods(self, namespace: str, names: Sequence[str], annotations: Mapping[str, str]) -> None:
        """Merge annotations into pods; pods that are gone are skipped."""

    async def write_status(self, route: Object, status: Object) -> str:
        """Server-side apply of the status subresource, forced; the resourceVersion as stored, ``""`` when it is gone.

        Raises ``KubeConflict`` when another of the same name is there: the status is that of the one with this uid.
        """

    async def write_merchant_status(self, namespace: str, name: str, version: int, status: Object) -> Object | None:
        """Server-side apply of a Merchant's status; the object as stored, None when it is gone.

        Raises ``KubeConflict`` when its resourceVersion is not ``version`` any more: somebody changed it, or made
        another of the same name.
        """

    async def set_finalizers(self, route: Object, finalizers: Sequence[str]) -> None:
        """Replace the route's finalizers if it has not changed since it was read (``KubeConflict`` else)."""

    async def drop_annotation(self, route: Object, key: str) -> None:
        """Remove the route's annotation if it has not changed since it was read (``KubeConflict`` else)."""

    async def event(self, route: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Post an event about the route; repeated ones are counted up; never raises for a terminating namespace."""

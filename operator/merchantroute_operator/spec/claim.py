"""A ``Merchant`` object, parsed: one merchant that claims a place in a route of its namespace."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchantroute_operator.spec.route import Credentials, Merchant, Raw
from merchantroute_operator.spec.sections.isolation import parse_limits


@dataclass(frozen=True, slots=True)
class Claim:
    """What the object asks for, and the status that it has.

    ``version`` is its resourceVersion: Kubernetes counts every write of a kind upwards, so of two readings of one
    object the larger is the newer.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    created: str  # RFC 3339, so that texts sort as times do
    version: int
    route: str
    merchant: Merchant
    status: Raw = field(hash=False)

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and name of the route."""
        return self.namespace, self.route


def parse_claim(raw: Raw) -> Claim:
    """The Merchant in ``raw``, which the API server's schema has checked; its name is its id unless it has another."""
    metadata, spec = raw["metadata"], raw["spec"]
    credentials = spec.get("credentials")
    return Claim(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        created=metadata["creationTimestamp"],
        version=int(metadata["resourceVersion"]),
        route=spec["routeRef"]["name"],
        merchant=Merchant(
            id=spec.get("id") or metadata["name"],
            tier=spec["tier"],
            endpoint=spec["endpoint"],
            credentials=Credentials(credentials["type"], credentials["secretRef"]["name"]) if credentials else None,
            limits=parse_limits(spec.get("limits"), "spec.limits"),
            group=spec.get("group"),
            workflow=spec.get("workflow"),
            fields=spec.get("fields", {}),
        ),
        status=raw.get("status") or {},
    )

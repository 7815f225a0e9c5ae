"""A wrapper of the Kubernetes port that caches a route's children as the reconcile read them."""

from __future__ import annotations

from typing import Any

from merchantroute_operator.kube.kube_port import Children, Kube, Object


class CachingKube:
    """All goes on to ``kube``; ``live`` is by kind and name."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.live: dict[tuple[str, str], Object] = {}

    def __getattr__(self, name: str) -> Any:
        """What whoever builds on this leaves as it is."""
        return getattr(self.kube, name)

    async def children(self, namespace: str, route: str) -> Children:
        """Remembered for this pass."""
        found = await self.kube.children(namespace, route)
        for objects in found.kept():
            self.live |= {(body.get("kind", ""), name): body for name, body in objects.items()}
        return found

"""The Lease object of leader election: three small calls, each bounded in time and each conditional on a version.

Kubernetes stores a Lease and enforces nothing about it. What keeps two candidates apart is its resourceVersion: of two
writes that name the same one, the API server takes the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from merchantroute_operator.kube.api import MERGE, Api
from merchantroute_operator.kube.api_errors import NotFound, unanswered
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.paths import collection, item

CALL = 1.5  # seconds; a renewal that takes longer is worth less than the next try
KIND = "Lease"


@dataclass(frozen=True, slots=True)
class StoredLease:
    """A Lease as the API server has it. ``version`` is its resourceVersion."""

    spec: Mapping[str, Any]
    version: str

    @property
    def holder(self) -> str:
        """Who holds it; empty where nobody does."""
        return str(self.spec.get("holderIdentity") or "")


class LeaseStore:
    """The Lease ``namespace/name``. Every method raises ``KubeError`` when no answer came within ``CALL`` seconds."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api = api
        self._collection = collection(KIND, namespace)
        self._item = item(KIND, namespace, name)
        self._name = name

    async def read(self) -> StoredLease | None:
        """The Lease; None where there is none."""
        try:
            return await self._stored(self._api.call("GET", self._item, kind=KIND, name=self._name, waits=False))
        except NotFound:
            return None

    async def create(self, spec: Mapping[str, Any]) -> StoredLease:
        """Make it. Raises ``KubeConflict`` where there is one already."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": KIND,
            "metadata": {"name": self._name},
            "spec": dict(spec),
        }
        return await self._stored(self._api.call("POST", self._collection, kind=KIND, name=self._name, body=body))

    async def write(self, spec: Mapping[str, Any], version: str) -> StoredLease:
        """Write these fields of its spec; null removes one.

        Raises ``KubeConflict`` when it has changed since ``version``, ``NotFound`` when it is gone.
        """
        body = {"metadata": {"resourceVersion": version}, "spec": dict(spec)}
        return await self._stored(
            self._api.call("PATCH", self._item, kind=KIND, name=self._name, body=body, content_type=MERGE)
        )

    async def _stored(self, call: Awaitable[Object]) -> StoredLease:
        try:
            async with asyncio.timeout(CALL):
                answer = await call
        except TimeoutError as error:
            raise unanswered(error, kind=KIND, name=self._name) from None
        return StoredLease(answer.get("spec") or {}, answer["metadata"]["resourceVersion"])

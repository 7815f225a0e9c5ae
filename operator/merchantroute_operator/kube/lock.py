"""The Lease behind leader election, with bounds that the library's lock lacks.

``kubernetes.aio``'s LeaseLock waits up to five minutes for an answer and lets connection errors through, which end
the election without ending the work that it protects [read in version 37]. Here a call either succeeds within
``CALL`` seconds or counts as failed, so that the deadline for renewing means what it says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import aiohttp
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.client.models import V1Lease, V1ObjectMeta
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.api import MERGE, Api
from merchantroute_operator.kube.api_errors import failure
from merchantroute_operator.kube.paths import item

logger = logging.getLogger(__name__)
CALL = 1.5  # seconds
Answer: TypeAlias = tuple[bool, LeaderElectionRecord] | tuple[bool, Exception] | tuple[bool, None]


class BoundedLock(LeaseLock):
    """A Lease ``namespace/name`` that this process takes as ``identity``."""

    def __init__(self, name: str, namespace: str, identity: str, api: Api) -> None:
        super().__init__(name, namespace, identity, api.client)
        self._api = api

    async def get(self, name: str, namespace: str) -> Answer:
        """What is stored, or why it cannot be read."""
        try:
            async with asyncio.timeout(CALL):
                found = await super().get(name, namespace)
                if isinstance(found[1], ApiException) and found[1].status != 404:
                    logger.warning("the Lease cannot be read: %s", self._words(found[1]))
                return found
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return False, ApiException(status=0, reason=f"{type(error).__name__}: no answer within {CALL} s")

    async def create(self, name: str, namespace: str, election_record: LeaderElectionRecord) -> bool:
        """Whether the Lease could be made. The library's own create passes a flag that its client refuses [37.0]."""
        body = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))

        async def create() -> bool:
            try:
                await self.api_instance.create_namespaced_lease(namespace, body)
            except ApiException as error:
                logger.warning("the Lease cannot be made: %s", self._words(error))
                return False
            return True

        return await _within_time(create)

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        """Whether the Lease could be taken or renewed. The library's own logs a refusal as a trace."""
        lease = self.lease_reference
        if lease is None:
            return False

        async def replace() -> bool:
            lease.spec = self.update_lease(updated_record, lease.spec)
            try:
                await self.api_instance.replace_namespaced_lease(name, namespace, lease)
            except ApiException as error:
                logger.warning("the Lease cannot be written: %s", self._words(error))
                return False
            return True

        return await _within_time(replace)

    def _words(self, error: ApiException) -> KubeError:
        """The API server's own words, which name a right that is missing; the library repeats the status only."""
        return failure(error.status, str(error.body or "").encode(), kind="Lease", name=self.name)

    async def release(self) -> None:
        """Let the successor take over at once; where this fails, it waits for the Lease to expire."""
        path = item("Lease", self.namespace, self.name)
        try:
            lease = await self._api.call("GET", path, kind="Lease", name=self.name)
            if lease["spec"].get("holderIdentity") != self.identity:
                return
            body = {
                "metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]},
                "spec": {"holderIdentity": None},
            }
            await self._api.call("PATCH", path, kind="Lease", name=self.name, body=body, content_type=MERGE)
        except KubeError as error:
            logger.warning("the Lease was not released: %s", error)


async def _within_time(call: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(CALL):
            return await call()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        logger.warning("the Lease cannot be written: %s", type(error).__name__)
        return False

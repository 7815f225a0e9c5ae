"""Cache of the Merchant objects by route: filled by the watch, and listed anew from time to time.

A pass over an empty memory would send every merchant to the default tier, so a namespace is read whole before its first
pass. It is read anew every few minutes: a watch that restarts reports no deletion that it missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from merchantroute_operator.kube.kube_port import Kube, Object
from merchantroute_operator.spec.claim import Claim, parse_claim

logger = logging.getLogger(__name__)
REREAD = 300.0  # seconds
Key = tuple[str, str]


class Claims:
    """``changed`` is called with namespace and name of each route whose merchants are not what they were."""

    def __init__(self, kube: Kube, changed: Callable[[Key], None], monotonic: Callable[[], float]) -> None:
        self._kube = kube
        self._changed = changed
        self._monotonic = monotonic
        self._by_name: dict[str, dict[str, Claim]] = {}  # by namespace
        self._by_route: dict[Key, dict[str, Claim]] = {}
        self._read_at: dict[str, float] = {}
        self._gone: defaultdict[str, set[str]] = defaultdict(set)  # uids deleted while their namespace is being read
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # of each namespace
        self._kind_is_missing = False

    async def of(self, place: Key) -> tuple[Claim, ...]:
        """Those of a route (namespace and name). Raises ``KubeError`` if they have to be read and cannot."""
        async with self._reading[place[0]]:
            read_at = self._read_at.get(place[0])
            if read_at is None or self._monotonic() - read_at > REREAD:
                await self._read(place[0])
        return tuple(self._by_route.get(place, {}).values())

    def current(self, claim: Claim) -> Claim | None:
        """The newest reading of the same object, or None when it is gone."""
        found = self._by_name.get(claim.namespace, {}).get(claim.name)
        return found if found is not None and found.uid == claim.uid else None

    def refreshed(self, claim: Claim) -> Claim:
        """``claim`` with the status that the object has by now."""
        found = self.current(claim)
        return claim if found is None or found.status is claim.status else replace(claim, status=found.status)

    def put(self, claim: Claim) -> None:
        """Take in a reading; an older one than is known says nothing, nor does one of an object that is gone."""
        old = self._by_name.get(claim.namespace, {}).get(claim.name)
        if claim.uid in self._gone.get(claim.namespace, ()) or (old is not None and old.version > claim.version):
            return
        if old is not None and old.route != claim.route:
            self._forget(old)
        self._by_name.setdefault(claim.namespace, {})[claim.name] = claim
        self._by_route.setdefault(claim.place, {})[claim.name] = claim
        if old is None or (old.uid, old.generation) != (claim.uid, claim.generation):
            self._changed(claim.place)

    def drop(self, claim: Claim) -> None:
        """The object is gone."""
        if self._reading[claim.namespace].locked():
            self._gone[claim.namespace].add(claim.uid)
        if (known := self.current(claim)) is not None:
            self._forget(known)

    def drop_named(self, namespace: str, name: str) -> None:
        """The object of this name is gone, and no event told of it."""
        if (known := self._by_name.get(namespace, {}).get(name)) is not None:
            self.drop(known)

    def _forget(self, claim: Claim) -> None:
        del self._by_name[claim.namespace][claim.name]
        mine = self._by_route[claim.place]
        del mine[claim.name]
        if not mine:
            del self._by_route[claim.place]
        self._changed(claim.place)

    async def _read(self, namespace: str) -> None:
        before = dict(self._by_name.get(namespace, {}))
        try:
            readable = map(readable_claim, await self._stored(namespace))
            found = {claim.name: claim for claim in readable if claim is not None}
            for claim in found.values():
                self.put(claim)
        finally:
            self._gone.pop(namespace, None)
        for name, claim in before.items():
            if name not in found and self._by_name[namespace].get(name) == claim:
                self._forget(claim)
        self._read_at[namespace] = self._monotonic()

    async def _stored(self, namespace: str) -> list[Object]:
        """What the API server has. A cluster without the kind has none, which is worth one line in the log."""
        found = await self._kube.merchants(namespace)
        if found is None and not self._kind_is_missing:
            logger.warning(
                "the cluster does not have the kind Merchant, so routes have only what their spec.merchants lists: "
                "kubectl apply --server-side -k crds, if teams are to keep merchants of their own"
            )
        self._kind_is_missing = found is None
        return found or []


def readable_claim(body: Object) -> Claim | None:
    """The Merchant in ``body``; None, and a line in the log, for one that its definition should have refused."""
    try:
        return parse_claim(body)
    except Exception:
        metadata = body.get("metadata", {})
        logger.exception("Merchant %s/%s cannot be read", metadata.get("namespace"), metadata.get("name"))
        return None

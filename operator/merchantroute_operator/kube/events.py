"""Events about a route, as ``kubectl describe`` shows them.

Core v1 events, because ``kubectl describe`` sorts and counts these. The API server merges nothing: what repeats is
counted up here, and limited, with a memory of bounded size. Posting an event is best effort: a failure is
logged and never raised.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.api import MERGE, Api
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.event_limits import Limit
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.paths import collection, item
from merchantroute_operator.naming import MANAGER

logger = logging.getLogger(__name__)
REMEMBERED = 4_096  # texts that can be counted up
LIMITS = 20_000  # of a route, kind and reason: one that is forgotten begins anew, and limits nothing
LONGEST = 1000  # characters; the API server takes 1,024
ALIKE_WORDS = "(newest of many alike) "
_Key = tuple[str, str, str, str]  # the route's uid, kind, reason, message


@dataclass(slots=True)
class _Posted:
    name: str
    count: int


class Events:
    """See ``kube_port.Kube.event``."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._posted: OrderedDict[_Key, _Posted] = OrderedDict()
        self._limits: OrderedDict[tuple[str, str, str], Limit] = OrderedDict()

    async def event(self, route: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Post, count up, or hold back; never raises."""
        message = message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
        key = (route["metadata"]["uid"], kind, reason, message)
        limit, now = self._limit(key), self._clock()
        if not limit.admits(now):
            return
        try:
            if key in self._posted:
                await self._count_up(route, key, limit)
            elif limit.way(now) == "replace":
                await self._replace(route, key, limit)
            else:
                await self._post(route, key, limit)
        except KubeError as error:
            logger.info("event %s about %s was not taken: %s", reason, route["metadata"]["name"], error)

    def _limit(self, key: _Key) -> Limit:
        limit = self._limits.setdefault(key[:3], Limit(at=self._clock(), opened=self._clock()))
        self._limits.move_to_end(key[:3])
        while len(self._limits) > LIMITS:
            self._limits.popitem(last=False)
        return limit

    async def _count_up(self, route: Object, key: _Key, limit: Limit) -> None:
        posted = self._posted[key]
        count = posted.count + 1 + limit.take_held()
        if await self._patch(route, posted.name, {"count": count}):
            posted.count = count
            self._posted.move_to_end(key)
        else:
            await self._post(route, key, limit)

    async def _replace(self, route: Object, key: _Key, limit: Limit) -> None:
        """The newest of many that are alike stands for them."""
        more = 1 + limit.take_held()
        last = next((each for each, posted in self._posted.items() if posted.name == limit.last), None)
        count = self._posted[last].count + more if last else more
        change = {"count": count, "message": f"{ALIKE_WORDS}{key[3]}"[:LONGEST]}
        if not await self._patch(route, limit.last, change):
            await self._post(route, key, limit)
        elif last:
            self._posted[last].count = count

    async def _patch(self, route: Object, name: str, change: Object) -> bool:
        """False where it is gone: the API server forgets events after an hour."""
        try:
            await self._api.call(
                "PATCH",
                item("Event", route["metadata"]["namespace"], name),
                kind="Event",
                name=name,
                body={**change, "lastTimestamp": _now("seconds")},
                content_type=MERGE,
                query={"fieldManager": MANAGER},
            )
        except NotFound:
            return False
        return True

    async def _post(self, route: Object, key: _Key, limit: Limit) -> None:
        body = _body(route, key, 1 + limit.take_held())
        name = body["metadata"]["name"]
        namespace = route["metadata"]["namespace"]
        await self._api.call("POST", collection("Event", namespace), kind="Event", name=name, body=body)
        self._posted[key] = _Posted(name, body["count"])
        self._posted.move_to_end(key)
        limit.posted(name)
        while len(self._posted) > REMEMBERED:
            self._posted.popitem(last=False)


def _body(route: Object, key: _Key, count: int) -> Object:
    metadata = route["metadata"]
    now = _now("seconds")
    digest = sha256("/".join((*key, _now("microseconds"))).encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": route["apiVersion"],
            "kind": route["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "type": key[1],
        "reason": key[2],
        "message": key[3],
        "source": {"component": MANAGER},
        "count": count,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }


def _now(precision: str) -> str:
    return datetime.now(UTC).isoformat(timespec=precision).replace("+00:00", "Z")

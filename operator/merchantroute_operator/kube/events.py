"""Events about a route, as ``kubectl describe`` shows them.

Core v1 events, because ``kubectl describe`` sorts and counts these. The API server merges nothing: what repeats is
counted up here, with a memory of bounded size. An event is told, not owed, so none of its failures is anybody's.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.api import MERGE, Api
from merchantroute_operator.kube.failures import NotFound
from merchantroute_operator.kube.paths import collection, item
from merchantroute_operator.kube.port import Object
from merchantroute_operator.naming import MANAGER

logger = logging.getLogger(__name__)
REMEMBERED = 512
LONGEST = 1000  # characters; the API server takes 1,024
_Key = tuple[str, str, str, str]  # the route's uid, kind, reason, message


@dataclass(slots=True)
class _Told:
    name: str
    count: int


class Events:
    """See ``port.Kube.event``."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._told: OrderedDict[_Key, _Told] = OrderedDict()

    async def event(self, route: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Post, or count up; never raises."""
        message = message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
        key = (route["metadata"]["uid"], kind, reason, message)
        try:
            if not await self._count_up(route, key):
                await self._post(route, key)
        except KubeError as error:
            logger.info("event %s about %s was not taken: %s", reason, route["metadata"]["name"], error)

    async def _count_up(self, route: Object, key: _Key) -> bool:
        told = self._told.get(key)
        if told is None:
            return False
        try:
            await self._api.call(
                "PATCH",
                item("Event", route["metadata"]["namespace"], told.name),
                kind="Event",
                name=told.name,
                body={"count": told.count + 1, "lastTimestamp": _now("seconds")},
                content_type=MERGE,
                query={"fieldManager": MANAGER},
            )
        except NotFound:  # the API server forgets events after an hour
            return False
        told.count += 1
        self._told.move_to_end(key)
        return True

    async def _post(self, route: Object, key: _Key) -> None:
        body = _body(route, key)
        name = body["metadata"]["name"]
        namespace = route["metadata"]["namespace"]
        await self._api.call("POST", collection("Event", namespace), kind="Event", name=name, body=body)
        self._told[key] = _Told(name, 1)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)


def _body(route: Object, key: _Key) -> Object:
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
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }


def _now(precision: str) -> str:
    return datetime.now(UTC).isoformat(timespec=precision).replace("+00:00", "Z")

"""Watches of the API server: a kind's objects are listed once, in pages, and then each change is heard.

kopf's own watches list a kind in one answer and keep every body, and after a gap they do not say what was deleted
meanwhile. Here the objects' names and versions are kept, and of most kinds only the metadata is sent at all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.kube_port import Object

logger = logging.getLogger(__name__)
PAGE = 500  # objects of one answer
OPEN = 300.0  # seconds for which the API server keeps a watch
SILENT = 75.0  # seconds without a byte, after which a watch is deaf: a bookmark comes about every minute
RELIST = 600.0  # seconds, after which everything is listed again, should the watch ever have missed something
ABSENT = 60.0  # seconds until a kind that the cluster does not know is asked for again
BACKOFF = (1.0, 30.0)  # seconds: the first and the longest

_Labels = tuple[tuple[str, str], ...]
_Known = tuple[str, _Labels]  # version and labels
OnEvent = Callable[[Object, bool], None]  # (object, whether it is gone)


class Expired(Exception):
    """The API server no longer has the changes since that version: everything is listed again."""


class Watch:
    """One list of objects, followed. ``on_event`` gets each object that is new, changed or gone, and returns at once.

    ``labels`` and ``fields`` are selectors. With ``metadata_only`` an object comes without spec, data and status. One
    that is gone may come with its name and labels only.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        on_event: OnEvent,
        *,
        kind: str,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = True,
    ) -> None:
        self._api = api
        self._path = path
        self._on_event = on_event
        self._kind = kind
        self._metadata_only = metadata_only
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        self._selectors = {key: value for key, value in selectors.items() if value}
        self._known: dict[tuple[str, str], _Known] = {}
        self._labels: dict[_Labels, _Labels] = {}
        self.listed = asyncio.Event()  # set once everything was listed for the first time

    async def run(self) -> None:
        """Follow until cancelled, through every failure of the API server."""
        delay = BACKOFF[0]
        while True:
            try:
                version, listed = await self._list(), time.monotonic()
                delay = BACKOFF[0]
                while time.monotonic() - listed < RELIST:
                    version = await self._follow(version)
            except Expired:
                continue
            except NotFound:
                self._forget_all()
                await asyncio.sleep(ABSENT)
            except (KubeError, aiohttp.ClientError, TimeoutError, OSError) as error:
                logger.warning("%s cannot be watched, and are listed again: %s", self._kind, error)
                await asyncio.sleep(delay * random.uniform(0.75, 1.25))
                delay = min(BACKOFF[1], delay * 2)

    async def _list(self) -> str:
        """Everything there is; whatever was known and is not there is gone. Gives the version to follow from."""
        found: set[tuple[str, str]] = set()
        query = {**self._selectors, "limit": str(PAGE)}
        while True:
            page = await self._api.page(self._path, kind=self._kind, query=query, metadata_only=self._metadata_only)
            for body in page["items"] or ():
                found.add(_key(body))
                self._take(body)
            after = page["metadata"].get("continue")
            if not after:
                break
            query = {**self._selectors, "limit": str(PAGE), "continue": after}
        for key in self._known.keys() - found:
            self._drop(key)
        self._labels = {labels: labels for _, labels in self._known.values()}
        self.listed.set()
        return str(page["metadata"]["resourceVersion"])

    async def _follow(self, version: str) -> str:
        """The changes since ``version``, until the API server ends the watch; gives the newest version."""
        query = {
            **self._selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(int(OPEN)),
        }
        stream = self._api.stream(
            self._path, kind=self._kind, query=query, metadata_only=self._metadata_only, silent=SILENT
        )
        try:
            async for line in stream:
                version = self._event(json.loads(line))
        except TimeoutError:
            logger.warning("the watch of %s went deaf, and is opened again", self._kind)
        return version

    def _event(self, event: Mapping[str, Any]) -> str:
        kind, body = event["type"], event["object"]
        if kind == "ERROR":
            if body.get("code") == 410:
                raise Expired
            raise KubeError(f"{self._kind}: {body.get('message', 'the watch ended by an error')}")
        if kind == "DELETED":
            if self._known.pop(_key(body), None) is not None:
                self._on_event(body, True)
        elif kind != "BOOKMARK":
            self._take(body)
        return str(body["metadata"]["resourceVersion"])

    def _take(self, body: Object) -> None:
        metadata = body["metadata"]
        before = self._known.get(_key(body))
        if before is None or before[0] != metadata["resourceVersion"]:
            labels = tuple(sorted((metadata.get("labels") or {}).items()))
            # Dozens of a route's objects have the same labels, which are kept once.
            self._known[_key(body)] = (metadata["resourceVersion"], self._labels.setdefault(labels, labels))
            self._on_event(body, False)

    def _drop(self, key: tuple[str, str]) -> None:
        version, labels = self._known.pop(key)
        metadata = {"namespace": key[0], "name": key[1], "labels": dict(labels), "resourceVersion": version}
        self._on_event({"metadata": metadata}, True)

    def _forget_all(self) -> None:
        for key in list(self._known):
            self._drop(key)


def _key(body: Object) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]

"""Watches of the Secrets that routes name: each by its name, and nothing but its metadata.

A cluster holds thousands of Secrets that are none of the operator's: releases of Helm, certificates, other teams' keys.
Not one of them comes here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable

from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.paths import collection
from merchantroute_operator.kube.watching.watches import Watch

Key = tuple[str, str]
"""A Secret: its namespace and its name."""


class SecretWatches:
    """One watch for each Secret that somebody uses."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._changed: Callable[[str, str, str], None] = _nobody
        self._used: dict[Hashable, frozenset[Key]] = {}
        self._users: Counter[Key] = Counter()
        self._watches: dict[Key, asyncio.Task[None]] = {}

    def tell(self, changed: Callable[[str, str, str], None]) -> None:
        """From now on ``changed`` gets the namespace, the name and the new version of each that changes."""
        self._changed = changed

    def use(self, user: Hashable, secrets: frozenset[Key]) -> None:
        """From now on ``user`` wants to hear of these, and of no others; of none: it is gone."""
        before = self._used.pop(user, frozenset())
        if secrets:
            self._used[user] = secrets
        for new in secrets - before:
            self._users[new] += 1
            if new not in self._watches:
                self._watches[new] = asyncio.create_task(self._watch(new).run())
        for gone in before - secrets:
            self._users[gone] -= 1
            if not self._users[gone]:
                del self._users[gone]
                self._watches.pop(gone).cancel()

    async def close(self) -> None:
        """End all watches."""
        watches, self._watches, self._used, self._users = list(self._watches.values()), {}, {}, Counter()
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    def _watch(self, key: Key) -> Watch:
        namespace, name = key

        def heard(body: Object, gone: bool) -> None:
            self._changed(namespace, name, "" if gone else str(body["metadata"]["resourceVersion"]))

        return Watch(self._api, collection("Secret", namespace), heard, kind="Secret", fields=f"metadata.name={name}")


def _nobody(_namespace: str, _name: str, _version: str, /) -> None:
    """Until somebody wants to be told."""

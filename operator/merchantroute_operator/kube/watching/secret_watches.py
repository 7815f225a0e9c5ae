"""Watches of the Secrets that routes name: nothing but their metadata, and nobody else's Secrets.

Those with the label ``merchantroute.dev/broker`` come by one watch, or by one for each namespace. Each of the others
has a watch of its own: the API server selects by labels, and of names by one alone. A watch of all Secrets would bring
releases of Helm, certificates, and other teams' annotations, in which ``kubectl apply`` leaves what it applied.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress

from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.paths import collection, everywhere
from merchantroute_operator.kube.watching.watches import OnEvent, Watch
from merchantroute_operator.naming import LABEL_BROKER

FIRST = 10.0  # seconds for the first list of those with the label, before the others are asked for by name

Key = tuple[str, str]
"""A Secret: its namespace and its name."""


class SecretWatches:
    """What is heard of each Secret that somebody uses. ``namespaces`` are those to look at; none: all."""

    def __init__(self, api: Api, namespaces: Sequence[str] = ()) -> None:
        self._api = api
        self._paths = [collection("Secret", each) for each in namespaces] or [everywhere("Secret")]
        self._changed: Callable[[str, str, str], None] = _nobody
        self._used: dict[Hashable, frozenset[Key]] = {}
        self._users: Counter[Key] = Counter()
        self._labelled: dict[Key, str] = {}  # resourceVersion of each with the label, whether it is used or not
        self._shared: list[Watch] = []
        self._running: list[asyncio.Task[None]] = []
        self._watches: dict[Key, asyncio.Task[None]] = {}

    def tell(self, changed: Callable[[str, str, str], None]) -> None:
        """From now on ``changed`` gets the namespace, the name and the new version of each that changes."""
        self._changed = changed

    def use(self, user: Hashable, secrets: frozenset[Key]) -> None:
        """From now on ``user`` wants to hear of these, and of no others; of none: it is gone."""
        before = self._used.pop(user, frozenset())
        if secrets:
            self._used[user] = secrets
            self._share()
        for new in secrets - before:
            self._users[new] += 1
            if new not in self._watches:
                self._follow(new)
        for gone in before - secrets:
            self._users[gone] -= 1
            if not self._users[gone]:
                del self._users[gone]
                self._let_go(gone)

    async def close(self) -> None:
        """End all watches."""
        watches, self._watches, self._used, self._users = list(self._watches.values()), {}, {}, Counter()
        running, self._running, self._shared, self._labelled = self._running, [], [], {}
        for watch in (*watches, *running):
            watch.cancel()
        await asyncio.gather(*watches, *running, return_exceptions=True)

    def _share(self) -> None:
        """The watches of those with the label, once anybody uses a Secret."""
        if not self._running:
            self._shared = [
                Watch(self._api, path, self._heard_by_label, kind="Secret", labels=f"{LABEL_BROKER}=true")
                for path in self._paths
            ]
            self._running = [asyncio.create_task(each.run()) for each in self._shared]

    def _heard_by_label(self, body: Object, gone: bool) -> None:
        """One that loses its label is gone here, and is followed by its name from then on."""
        key = body["metadata"]["namespace"], body["metadata"]["name"]
        if gone:
            self._labelled.pop(key, None)
        else:
            self._labelled[key] = str(body["metadata"]["resourceVersion"])
        if key in self._users:
            self._let_go(key)
            if gone:
                self._follow(key)
            self._changed(*key, self._labelled.get(key, ""))

    def _follow(self, key: Key) -> None:
        if key in self._labelled:  # what it is now may be newer than what its user has read
            asyncio.get_running_loop().call_soon(self._tell_again, key)
        else:
            self._watches[key] = asyncio.create_task(self._follow_by_name(key))

    def _tell_again(self, key: Key) -> None:
        if key in self._users and key in self._labelled:
            self._changed(*key, self._labelled[key])

    async def _follow_by_name(self, key: Key) -> None:
        """Not before those with the label are known: else each of them would have a connection at the start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST):
                for each in self._shared:
                    await each.listed.wait()
        namespace, name = key
        path = collection("Secret", namespace)
        await Watch(self._api, path, self._by_name(key), kind="Secret", fields=f"metadata.name={name}").run()

    def _by_name(self, key: Key) -> OnEvent:
        def heard(body: Object, gone: bool) -> None:
            self._changed(*key, "" if gone else str(body["metadata"]["resourceVersion"]))

        return heard

    def _let_go(self, key: Key) -> None:
        watch = self._watches.pop(key, None)
        if watch is not None:
            watch.cancel()


def _nobody(_namespace: str, _name: str, _version: str, /) -> None:
    """Until somebody wants to be told."""

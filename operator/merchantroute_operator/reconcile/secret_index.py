"""Which Secrets each route uses: the watch of Secrets is told, and a change finds its routes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

from merchantroute_operator.reconcile.state.context import Key
from merchantroute_operator.spec.route import Route

FollowSecrets: TypeAlias = Callable[[Key, frozenset[Key]], None]


def follow_none(_user: Key, _secrets: frozenset[Key], /) -> None:
    """For a reconciler that nobody tells of changes."""


class SecretIndex:
    """The Secrets of each route, and the routes of each Secret, by namespace and name.

    ``follow`` is told which Secrets without a label a route uses from now on: those with one are watched anyway.
    """

    def __init__(self, follow: FollowSecrets) -> None:
        self._follow = follow
        self._users: defaultdict[Key, set[Key]] = defaultdict(set)
        self._secrets: dict[Key, frozenset[Key]] = {}

    def use(self, key: Key, route: Route) -> None:
        """Remember which Secrets bring the route news: the brokers', and those of merchants, which have a label."""
        named = frozenset((route.namespace, name) for name in (route.broker_secret, route.worker_secret) if name)
        labelled = {(route.namespace, each.credentials.secret) for each in route.merchants if each.credentials}
        self._follow(key, named)
        self._put(key, named | labelled)

    def forget(self, key: Key) -> None:
        """The route is gone."""
        self._follow(key, frozenset())
        self._put(key, frozenset())

    def users(self, namespace: str, name: str) -> frozenset[Key]:
        """The routes that use the Secret."""
        return frozenset(self._users.get((namespace, name), ()))

    def _put(self, key: Key, secrets: frozenset[Key]) -> None:
        before = self._secrets.pop(key, frozenset())
        if secrets:
            self._secrets[key] = secrets
        for gone in before - secrets:
            self._users[gone].discard(key)
            if not self._users[gone]:
                del self._users[gone]
        for new in secrets - before:
            self._users[new].add(key)

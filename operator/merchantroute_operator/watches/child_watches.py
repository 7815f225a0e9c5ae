"""Watches of what routes own and use: their children, labelled credentials, and who else scales their Deployments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.autoscalers import autoscaler
from merchantroute_operator.kube.kube_port import Autoscaler, Object
from merchantroute_operator.kube.paths import collection, everywhere
from merchantroute_operator.kube.watching.watches import OnEvent, Watch
from merchantroute_operator.naming import AUXILIARY_KINDS, LABEL_CREDENTIALS, LABEL_ROUTE

WHOLE = ("Deployment",)  # the scaler and the status read these from the watch
CHILDREN = (*WHOLE, "Pod", "ConfigMap", "Secret", *AUXILIARY_KINDS)
AUTOSCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


class Watcher(Protocol):
    """Receives the events; calls return at once."""

    def child_changed(self, kind: str, namespace: str, route: str, body: dict[str, Any], *, gone: bool) -> None:
        """A child of the route was added, changed or is gone; of most kinds ``body`` is only metadata."""

    def secret_changed(self, namespace: str, name: str, version: str) -> None:
        """A labelled Secret with credentials changed; ``version`` is its resourceVersion, empty when it is gone."""

    def autoscaler_changed(self, namespace: str, deployment: str) -> None:
        """Somebody's autoscaler scales this Deployment from now on, or no longer."""


def child_watches(api: Api, watcher: Watcher, namespaces: Sequence[str] = ()) -> Iterator[Watch]:
    """One watch for each kind, in each of ``namespaces``, or in all at once where there are none.

    The API server selects, so that other teams' objects never reach this process.
    """

    def watch(kind: str, on_event: OnEvent, labels: str, *, metadata_only: bool) -> Iterator[Watch]:
        for path in [collection(kind, namespace) for namespace in namespaces] or [everywhere(kind)]:
            yield Watch(api, path, on_event, kind=kind, labels=labels, metadata_only=metadata_only)

    for kind in CHILDREN:
        yield from watch(kind, _child(watcher, kind), LABEL_ROUTE, metadata_only=kind not in WHOLE)
    yield from watch("Secret", _secret(watcher), f"{LABEL_CREDENTIALS}=true", metadata_only=True)
    for kind in AUTOSCALERS:
        yield from watch(kind, _autoscaler(watcher, kind), "", metadata_only=False)


def _child(watcher: Watcher, kind: str) -> OnEvent:
    def heard(body: Object, gone: bool) -> None:
        metadata = body["metadata"]
        watcher.child_changed(kind, metadata["namespace"], metadata["labels"][LABEL_ROUTE], body, gone=gone)

    return heard


def _secret(watcher: Watcher) -> OnEvent:
    def heard(body: Object, gone: bool) -> None:
        metadata = body["metadata"]
        watcher.secret_changed(metadata["namespace"], metadata["name"], "" if gone else metadata["resourceVersion"])

    return heard


def _autoscaler(watcher: Watcher, kind: str) -> OnEvent:
    """Its status changes every few seconds, which is nobody's business here."""
    known: dict[tuple[str, str], Autoscaler] = {}

    def heard(body: Object, gone: bool) -> None:
        key = body["metadata"]["namespace"], body["metadata"]["name"]
        found = None if gone else autoscaler(kind, body)
        if found == known.get(key):
            return
        before = known.pop(key, None)
        if found is not None:
            known[key] = found
        for each in (before, found):
            if each is not None:
                watcher.autoscaler_changed(key[0], each.deployment)

    return heard

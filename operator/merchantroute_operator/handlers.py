"""kopf's event handlers: each event only adds the key of its route to the work queue.

``@kopf.on.event`` writes nothing to the objects. kopf's own handler persistence would keep each route's last spec in
an annotation, and with 2,000 merchants that passes the API server's limit of 262,144 bytes, after which the route
cannot be written any more.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, Protocol

import kopf

from merchantroute_operator.naming import ANNOTATION_CANARY, ANNOTATION_PAUSED_UNTIL, GROUP, LABEL_ROUTE, MERCHANTS

CHILDREN = (
    ("apps", "v1", "deployments"),
    ("", "v1", "pods"),
    ("", "v1", "configmaps"),
    ("", "v1", "serviceaccounts"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("networking.k8s.io", "v1", "networkpolicies"),
)


Version = tuple[str, int, int, bool, str]  # uid, generation, finalizers, gone, what annotations ask for


class Watcher(Protocol):
    """Receives the events; calls return at once."""

    def route_changed(self, namespace: str, name: str, version: Version) -> None:
        """The route was added, changed or is gone; an event with a known ``version`` is only a status change."""

    def child_changed(self, kind: str, namespace: str, route: str, body: dict[str, Any], *, gone: bool) -> None:
        """A child of the route (``kind``: deployments, pods, configmaps) was added, changed or is gone."""

    def merchant_changed(self, body: dict[str, Any], *, gone: bool) -> None:
        """A Merchant object was added, changed or is gone; its status comes back here too."""

    def secret_changed(self, namespace: str, name: str) -> None:
        """Some Secret of the namespace changed: broker or merchant credentials may be among them."""


class ApiServer(kopf.ConnectionInfo):
    """An API server, of whose certificates no key identifiers are asked.

    Authorities of older clusters have none, and from Python 3.13 on the default refuses those.
    """

    def as_ssl_context(self) -> ssl.SSLContext:
        """Kopf's own context otherwise: chain, name and time are checked."""
        made = super().as_ssl_context()
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return made


async def _log_in(login: Callable[..., kopf.ConnectionInfo | None], **given: Any) -> ApiServer | None:
    found = login(**given)
    return None if found is None else ApiServer(**{each.name: getattr(found, each.name) for each in fields(found)})


def registry(watcher: Watcher) -> kopf.OperatorRegistry:
    """The handlers, wired to ``watcher``. They are coroutines, since kopf runs plain functions in threads."""
    handlers = kopf.OperatorRegistry()
    # The pod's own account, read anew whenever its token is refused; a kubeconfig where there is none (development).
    for login in (kopf.login_with_service_account, kopf.login_with_kubeconfig):
        kopf.on.login(id=login.__name__, registry=handlers)(partial(_log_in, login))

    @kopf.on.startup(registry=handlers)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        # The API server filters, so that other teams' pods and Deployments never reach this process.
        for _group, _version, plural in CHILDREN:
            settings.watching.label_selectors[plural] = LABEL_ROUTE

    @kopf.on.event(GROUP, "v1alpha1", "merchantroutes", registry=handlers)
    async def on_route(namespace: str | None, name: str, meta: kopf.Meta, event: kopf.RawEvent, **_: Any) -> None:
        gone = event["type"] == "DELETED"
        # The API server raises the generation with every change of the spec and with the deletion's time, never with
        # a status or an annotation.
        asked = "|".join(meta.annotations.get(key, "") for key in (ANNOTATION_PAUSED_UNTIL, ANNOTATION_CANARY))
        version = (meta["uid"], meta["generation"], len(meta.get("finalizers", ())), gone, asked)
        watcher.route_changed(namespace or "", name, version)

    @kopf.on.event(GROUP, "v1alpha1", MERCHANTS, registry=handlers)
    async def on_merchant(body: kopf.Body, event: kopf.RawEvent, **_: Any) -> None:
        watcher.merchant_changed(dict(body), gone=event["type"] == "DELETED")

    async def on_child(
        namespace: str | None, labels: kopf.Labels, body: kopf.Body, event: kopf.RawEvent, param: Any = None, **_: Any
    ) -> None:
        if namespace and LABEL_ROUTE in labels:
            gone = event["type"] == "DELETED"
            watcher.child_changed(param, namespace, labels[LABEL_ROUTE], dict(body), gone=gone)

    for group, version, plural in CHILDREN:
        kopf.on.event(group, version, plural, id=f"on-{plural}", param=plural, registry=handlers)(on_child)

    @kopf.on.event("", "v1", "secrets", registry=handlers)
    async def on_secret(namespace: str | None, name: str, **_: Any) -> None:
        watcher.secret_changed(namespace or "", name)

    return handlers

"""kopf's event handlers: each event only adds the key of its route to the work queue.

``@kopf.on.event`` writes nothing to the objects. kopf's own handler persistence would keep each route's last spec in
an annotation, and with 2,000 merchants that passes the API server's limit of 262,144 bytes, after which the route
cannot be written any more. What routes own and use is watched by ``child_watches``.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, Protocol

import kopf

from merchantroute_operator.naming import (
    ANNOTATION_CANARY,
    ANNOTATION_GROUPS_HELD_UNTIL,
    ANNOTATION_HELD_UNTIL,
    ANNOTATION_ISOLATED_UNTIL,
    ANNOTATION_PAUSED_UNTIL,
    GROUP,
    KIND,
    MERCHANT,
    MERCHANTS,
)

ASKED_BY_HAND = (
    ANNOTATION_PAUSED_UNTIL,
    ANNOTATION_CANARY,
    ANNOTATION_ISOLATED_UNTIL,
    ANNOTATION_HELD_UNTIL,
    ANNOTATION_GROUPS_HELD_UNTIL,
)
Version = tuple[str, int, int, bool, str]  # uid, generation, finalizers, gone, what annotations ask for


class Watcher(Protocol):
    """Receives the events; calls return at once."""

    def route_changed(self, namespace: str, name: str, version: Version) -> None:
        """The route was added, changed or is gone; an event with a known ``version`` is only a status change."""

    def merchant_changed(self, body: dict[str, Any], *, gone: bool) -> None:
        """A Merchant object was added, changed or is gone; its status comes back here too."""

    def deletion_missed(self, kind: str, namespace: str, name: str) -> None:
        """A route or a Merchant is gone, and no event told of it."""


class Heard(Protocol):
    """Notes what was told of each object; see ``watch_comparison.Heard``."""

    def put(self, kind: str, name: tuple[str, str], version: str) -> None:
        """An event told of the object."""

    def drop(self, kind: str, name: tuple[str, str]) -> None:
        """An event told that it is gone."""


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


def registry(watcher: Watcher, heard: Heard, *, silence: float) -> kopf.OperatorRegistry:
    """The handlers, wired to ``watcher``. They are coroutines, since kopf runs plain functions in threads.

    A watch that brings nothing for ``silence`` seconds is given up for a new one, which goes on where it ended.
    """
    handlers = kopf.OperatorRegistry()
    # The pod's own account, read anew whenever its token is refused; a kubeconfig where there is none (development).
    for login in (kopf.login_with_service_account, kopf.login_with_kubeconfig):
        kopf.on.login(id=login.__name__, registry=handlers)(partial(_log_in, login))

    @kopf.on.startup(registry=handlers)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.watching.inactivity_timeout = silence

    @kopf.on.event(GROUP, "v1alpha1", "merchantroutes", registry=handlers)
    async def on_route(namespace: str | None, name: str, meta: kopf.Meta, event: kopf.RawEvent, **_: Any) -> None:
        gone = _note(heard, KIND, meta, event)
        # The API server raises the generation with every change of the spec and with the deletion's time, never with
        # a status or an annotation.
        asked = "|".join(meta.annotations.get(key, "") for key in ASKED_BY_HAND)
        version = (meta["uid"], meta["generation"], len(meta.get("finalizers", ())), gone, asked)
        watcher.route_changed(namespace or "", name, version)

    @kopf.on.event(GROUP, "v1alpha1", MERCHANTS, registry=handlers)
    async def on_merchant(body: kopf.Body, meta: kopf.Meta, event: kopf.RawEvent, **_: Any) -> None:
        watcher.merchant_changed(dict(body), gone=_note(heard, MERCHANT, meta, event))

    return handlers


def _note(heard: Heard, kind: str, meta: kopf.Meta, event: kopf.RawEvent) -> bool:
    """Whether the object is gone, by this event."""
    name = meta.get("namespace", ""), meta["name"]
    gone = event["type"] == "DELETED"
    heard.drop(kind, name) if gone else heard.put(kind, name, meta["resourceVersion"])
    return gone

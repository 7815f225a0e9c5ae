"""Parses a route that is being deleted, also one whose spec is invalid: its finalizer must come off."""

from __future__ import annotations

from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.parse import MISSHAPEN, deleting_since, parse, parse_deletion
from merchantroute_operator.spec.route import Deletion, Orders, Raw, Route

_NO_ORDERS = Orders(
    steps=(), call_timeout=0.0, deadline=0.0, max_age=0.0, allow_insecure=False, max_attempts=0, delays=()
)


def parse_deleting(raw: Raw) -> Route:
    """``parse``, or, where the spec is invalid, as much as ending needs: no tiers, no merchants, no orders.

    Of an invalid spec nothing was ever made but, maybe, by an earlier generation; ending finds that by name and label.
    """
    try:
        return parse(raw)
    except SpecInvalid:
        metadata, spec = raw["metadata"], raw["spec"]
    broker = _broker(spec)
    return Route(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        deleting_since=deleting_since(metadata),
        finalizers=tuple(metadata.get("finalizers", ())),
        broker_secret=broker,
        worker_secret=broker,
        orders=_NO_ORDERS,
        default_tier=str(spec.get("defaultTier")),
        default_endpoint=None,
        tiers=(),
        merchants=(),
        deletion=_deletion(spec),
    )


def _broker(spec: Raw) -> str:
    """The name of its Secret; one that nobody has where the spec names none, so that the ending gives the broker up."""
    try:
        return str(spec["broker"]["secretRef"]["name"])
    except MISSHAPEN:
        return ""


def _deletion(spec: Raw) -> Deletion:
    try:
        return parse_deletion(spec.get("deletion", {}))
    except (SpecInvalid, *MISSHAPEN):
        return parse_deletion({})

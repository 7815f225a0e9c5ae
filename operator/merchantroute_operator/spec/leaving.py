"""A route on its way out, also one that could never be worked: a finalizer must end some day."""

from __future__ import annotations

from merchantroute_operator.spec.errors import SpecInvalid
from merchantroute_operator.spec.model import Orders, Raw, Route
from merchantroute_operator.spec.parse import deleting_since, parse, parse_deletion

_NO_ORDERS = Orders(
    steps=(), call_timeout=0.0, deadline=0.0, max_age=0.0, allow_insecure=False, max_attempts=0, delays=()
)


def parse_leaving(raw: Raw) -> Route:
    """``parse``, or, where the spec is invalid, as much as ending needs: no tiers, no merchants, no orders.

    Of an invalid spec nothing was ever made but, maybe, by an earlier generation; ending finds that by name and label.
    """
    try:
        return parse(raw)
    except SpecInvalid:
        metadata, spec = raw["metadata"], raw["spec"]
    broker = spec["broker"]["secretRef"]["name"]
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
        default_tier=spec["defaultTier"],
        default_endpoint=None,
        tiers=(),
        merchants=(),
        deletion=parse_deletion(spec.get("deletion", {})),
    )

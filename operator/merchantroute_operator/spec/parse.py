"""Parses a ``MerchantRoute``, as the API server stores it, into a ``Route`` that nothing below has to check again.

The CRD's schema, defaults and CEL rules have been applied, so fields are trusted to be there; checked here is what
CEL cannot hold, and what would break the topology if it were wrong. A definition that is not of this version may have
let anything through: that is reported as well.
"""

from __future__ import annotations

from datetime import datetime

from merchantroute_operator.spec.duration import seconds
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Credentials, Deletion, Merchant, Orders, Raw, Route, Tier
from merchantroute_operator.spec.sections.canary_lane import with_canary
from merchantroute_operator.spec.sections.egress import parse_egress
from merchantroute_operator.spec.sections.isolation import parse_isolation, parse_limits, with_limits
from merchantroute_operator.spec.sections.orders import parse_orders
from merchantroute_operator.spec.sections.pods.pod_options import pod_options
from merchantroute_operator.spec.sections.scaling_policy import parse_scaling

# What reading a value of another shape than the definition's raises.
MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
LARGEST_SHARE = 50  # slots of one pod that one merchant may have where the tier does not say how many


def parse(raw: Raw) -> Route:
    """The route in ``raw``; ``SpecInvalid`` names the field, the value and the remedy."""
    try:
        return _route(raw)
    except MISSHAPEN as error:
        raise SpecInvalid(
            f"spec: the definition in this cluster let through what it should have refused ({error!r:.200}); "
            "apply the definitions of this operator's version, then the route again"
        ) from error


def _route(raw: Raw) -> Route:
    metadata, spec = raw["metadata"], raw["spec"]
    broker = spec["broker"]
    orders = parse_orders(spec.get("orders", {}))
    tiers = tuple(_tier(tier, spec["worker"], f"spec.tiers[{tier['name']}]", orders.deadline) for tier in spec["tiers"])
    names = {tier.name for tier in tiers}
    if spec["defaultTier"] not in names:
        raise SpecInvalid(f"spec.defaultTier: there is no tier {spec['defaultTier']}; write one of {_listed(names)}")
    route = Route(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        deleting_since=deleting_since(metadata),
        finalizers=tuple(metadata.get("finalizers", ())),
        broker_secret=broker["secretRef"]["name"],
        worker_secret=(broker.get("workerSecretRef") or broker["secretRef"])["name"],
        orders=orders,
        default_tier=spec["defaultTier"],
        default_endpoint=spec.get("defaultEndpoint"),
        tiers=tiers,
        merchants=tuple(_merchant(merchant, names, orders) for merchant in spec.get("merchants", ())),
        deletion=parse_deletion(spec.get("deletion", {})),
        network_policy=spec.get("networkPolicy", "Managed") == "Managed",
        egress=parse_egress(spec.get("egress") or {}),
        users_per_lane=broker.get("users", "Given") == "PerLane",
        isolation=parse_isolation(spec.get("isolation", {}), metadata.get("annotations") or {}),
    )
    return with_limits(route)


def _tier(raw: Raw, worker: Raw, where: str, deadline: float) -> Tier:
    concurrency = raw.get("concurrency", 100)
    tier = Tier(
        name=raw["name"],
        pool=raw.get("pool", "gevent"),
        concurrency=concurrency,
        max_in_flight=raw.get("maxInFlightPerMerchant") or max(1, min(LARGEST_SHARE, concurrency // 2)),
        scaling=parse_scaling(raw.get("scaling", {}), f"{where}.scaling"),
        pod=pod_options(worker, raw, where, deadline=deadline),
        allowed=tuple(raw.get("allowedMerchants") or ()),
        merchant_limits=parse_limits(raw.get("merchantLimits"), f"{where}.merchantLimits"),
    )
    return with_canary(tier, raw, worker, where, deadline=deadline)


def _merchant(raw: Raw, tiers: set[str], orders: Orders) -> Merchant:
    if raw["tier"] not in tiers:
        raise SpecInvalid(
            f"spec.merchants[{raw['id']}].tier: there is no tier {raw['tier']}; write one of {_listed(tiers)}"
        )
    workflow = raw.get("workflow")
    if workflow is not None and workflow not in orders.workflows:
        known = _listed(set(orders.workflows)) or "a list of steps in spec.orders.workflows first"
        raise SpecInvalid(f"spec.merchants[{raw['id']}].workflow: there is no workflow {workflow}; write {known}")
    credentials = raw.get("credentials")
    return Merchant(
        id=raw["id"],
        tier=raw["tier"],
        endpoint=raw["endpoint"],
        credentials=Credentials(credentials["type"], credentials["secretRef"]["name"]) if credentials else None,
        limits=parse_limits(raw.get("limits"), f"spec.merchants[{raw['id']}].limits"),
        group=raw.get("group"),
        workflow=workflow,
        fields=raw.get("fields", {}),
    )


def deleting_since(metadata: Raw) -> float | None:
    """Epoch seconds at which the deletion was asked for."""
    deleted = metadata.get("deletionTimestamp")
    return datetime.fromisoformat(deleted).timestamp() if deleted else None


def parse_deletion(raw: Raw) -> Deletion:
    """``spec.deletion``."""
    return Deletion(
        policy=raw.get("policy", "Drain"),
        timeout=seconds(raw.get("timeout", "15m"), "spec.deletion.timeout"),
        on_timeout=raw.get("onTimeout", "Retain"),
        dead_letters=raw.get("deadLetters", "Retain"),
    )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))

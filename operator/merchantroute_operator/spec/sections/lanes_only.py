"""Parses as much of an invalid spec as scaling its lanes needs: those that an earlier generation made work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.parse import MISSHAPEN, parse
from merchantroute_operator.spec.route import Raw, Route
from merchantroute_operator.spec.sections.scaling_policy import parse_scaling

_STEP = {"name": "none", "method": "GET", "path": "/"}  # nothing is configured by it: the spec must have one


def parse_lanes_only(raw: Raw) -> Route | None:
    """The route with its tiers' stable lanes and nothing else; None where not even these can be read.

    A tier whose scaling cannot be read is as if it were paused: its number of pods is left alone.
    """
    try:
        tiers = list(_tiers(raw["spec"]))
        names = [tier["name"] for tier in tiers]
        default = raw["spec"].get("defaultTier")
        spec: dict[str, Any] = {
            "broker": raw["spec"]["broker"],
            "worker": {"image": "none"},
            "tiers": tiers,
            "defaultTier": default if default in names else names[0],
        }
        orders = (raw["spec"].get("orders"), {"steps": [_STEP]})
        return _first_valid(*({**raw, "spec": {**spec, "orders": each}} for each in orders))
    except (IndexError, *MISSHAPEN):
        return None


def _tiers(spec: Raw) -> Iterator[Raw]:
    for tier in spec["tiers"]:
        kept = {name: tier[name] for name in ("name", "pool", "concurrency") if name in tier}
        try:
            parse_scaling(tier.get("scaling", {}), "scaling")
        except (SpecInvalid, *MISSHAPEN):
            yield {**kept, "scaling": {"paused": True}}
        else:
            yield {**kept, "scaling": tier.get("scaling", {})}


def _first_valid(*routes: Raw) -> Route | None:
    for raw in routes:
        try:
            return parse(raw)
        except SpecInvalid:
            continue
    return None

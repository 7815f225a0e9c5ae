"""The lanes of a route whose spec became invalid work on, and are scaled: also by an operator that has just started."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.spec.sections.lanes_only import parse_lanes_only
from tests.unit.operator.operator_under_test import DOOR, with_finalizer
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet, fleet
from tests.unit.operator.route_samples import raw_route

SCALING = {"minReplicas": 1, "maxReplicas": 5}
STANDARD = {"name": "standard", "scaling": SCALING}
INVALID: dict[str, dict[str, Any]] = {
    "a merchant's tier": {"merchants": {"hut": "nowhere"}},
    "the default tier": {"default": "nowhere"},
    "the delays": {"delays": ["1s", "1s"]},
    "a tier's environment": {"tiers": [{**STANDARD, "env": [{"name": "MR_ROUTE", "value": "x"}]}]},
    "a canary": {"tiers": [{**STANDARD, "canary": {"steps": [50, 5]}}]},
}


def restarted(**spec: Any) -> Fleet:
    """Its spec became invalid, then the operator was restarted."""
    world = fleet(tiers=[STANDARD])
    changed: dict[str, Any] = {"tiers": [STANDARD], **spec}
    world.kube.stored = with_finalizer(raw_route(**changed))
    world.start()
    world.scaler = world.new_scaler()
    world.settle()
    assert world.condition()[:2] == ("False", "SpecInvalid")
    return world


@pytest.mark.parametrize("spec", INVALID.values(), ids=list(INVALID))
def test_it_is_scaled(spec: dict[str, Any]) -> None:
    world = restarted(**spec)
    world.broker.held = {f"{DOOR}.standard.stable": 100_000}
    world.log.clear()
    world.tick(times=3)
    scaled = [line for line in world.log if line.startswith("scale pos-standard-stable")]
    assert scaled
    assert all(line.endswith("to 5") for line in scaled)
    assert world.condition()[:2] == ("False", "SpecInvalid")


def test_a_tier_whose_scaling_cannot_be_read_keeps_its_number_of_pods() -> None:
    world = restarted(tiers=[{"name": "standard", "scaling": {"targetDrainTime": "soon"}}])
    world.broker.held = {f"{DOOR}.standard.stable": 100_000}
    world.log.clear()
    world.tick(times=3)
    assert not [line for line in world.log if line.startswith("scale pos-standard")]


@pytest.mark.parametrize("spec", [{}, {"tiers": []}, {"tiers": [{}], "broker": {}}, {"tiers": None}])
def test_what_cannot_be_read_at_all_is_not_scaled(spec: dict[str, Any]) -> None:
    assert parse_lanes_only({"metadata": raw_route()["metadata"], "spec": spec}) is None

"""What Prometheus is told of routes and lanes: as of the last tick, in bounded labels, and gone with the route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from merchantroute_operator.errors import BrokerRefusedCredentials
from merchantroute_operator.reconcile.route_metrics import exported
from merchantroute_operator.scaling import scale_reasons
from tests.unit.operator.operator_under_test import DOOR, KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet, fleet

ALERTS = Path(__file__).parents[4] / "manifests" / "monitoring" / "alerts.yaml"
HERE = {"namespace": "orders", "route": "pos"}
STANDARD = {**HERE, "tier": "standard", "lane": "stable"}


def scraped(world: Fleet) -> list[Sample]:
    registry = CollectorRegistry()
    with exported(world.reconciler.states, registry):
        text = generate_latest(registry).decode()
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families)
    return [sample for family in families for sample in family.samples]


def value(samples: list[Sample], name: str, **labels: str) -> float:
    """The only one of this name with just these labels."""
    (found,) = [s.value for s in samples if s.name == f"merchantroute_operator_{name}" and s.labels == labels]
    return found


def reason(samples: list[Sample]) -> str:
    (found,) = [
        s.labels["reason"]
        for s in samples
        if s.name.endswith("_lane_decision") and (s.labels["tier"], s.value) == ("standard", 1.0)
    ]
    return found


def test_what_the_scaler_saw_wanted_and_decided() -> None:
    world = fleet(tiers=[{"name": "standard", "scaling": {"minReplicas": 1, "maxReplicas": 3}}])
    world.broker.held = {f"{DOOR}.standard.stable": 100_000, f"{DOOR}.dead": 81, f"{DOOR}.standard.retry.1000": 7}
    world.tick()
    samples = scraped(world)
    assert value(samples, "lane_queued", **STANDARD) == 100_000
    assert value(samples, "lane_in_flight", **STANDARD) == 0
    assert value(samples, "lane_retrying", **STANDARD) == 7
    assert value(samples, "lane_needed_pods", **STANDARD) > 3
    assert value(samples, "lane_desired_pods", **STANDARD) == 3
    assert value(samples, "lane_pods", **STANDARD) == value(samples, "lane_ready_pods", **STANDARD) == 1
    assert reason(samples) == "AtMaximum"
    assert value(samples, "dead_letters", **HERE) == 81, "exact, whatever the status still shows"
    assert reason(samples) in scale_reasons.ALL
    world.broker.held = {}
    world.tick()
    assert reason(scraped(world)) == "CoolingDown", "the reason before it is no series any more"


def test_what_is_not_known_is_no_series_and_never_0() -> None:
    world = Fleet(fleet().raw)
    world.settle()
    names = {sample.name for sample in scraped(world)}
    assert "merchantroute_operator_lane_queued" not in names
    assert "merchantroute_operator_dead_letters" not in names
    assert "merchantroute_operator_route_condition" in names


def test_conditions_failures_and_repairs_of_a_route() -> None:
    world = fleet()
    ready = {**HERE, "condition": "Ready", "status": "True", "reason": "AsWanted"}
    assert value(scraped(world), "route_condition", **ready) == 1
    del world.kube.objects[next(key for key in world.kube.objects if key[0] == "ConfigMap")]
    world.look()
    assert value(scraped(world), "repairs_total", **HERE) == 1
    failed = REGISTRY.get_sample_value(ERRORS, {"reason": "BrokerCredentialsRefused"}) or 0.0
    world.broker.failing = BrokerRefusedCredentials("401")
    world.look()
    world.look()
    samples = scraped(world)
    assert value(samples, "route_failures", **HERE) == 2
    refused = {"status": "False", "reason": "BrokerCredentialsRefused"}
    assert value(samples, "route_condition", **{**ready, **refused}) == 1
    assert [s for s in samples if s.labels.get("condition") == "Stalled"]
    assert REGISTRY.get_sample_value(ERRORS, {"reason": "BrokerCredentialsRefused"}) == failed + 2


ERRORS = "merchantroute_operator_pass_errors_total"


def test_conditions_are_told_by_an_operator_that_found_nothing_to_write() -> None:
    world = fleet()
    world.tick(times=30)
    world.settle()
    world.start()
    world.scaler = world.new_scaler()
    world.settle()
    world.tick(times=30)
    world.look()
    states = world.reconciler.states
    states[KEY].status.written = None
    world.look()
    assert states[KEY].status.written is None, "nothing had to be written"
    ready = {**HERE, "condition": "Ready", "status": "True", "reason": "AsWanted"}
    assert value(scraped(world), "route_condition", **ready) == 1


def test_series_of_a_route_and_of_a_lane_go_with_them() -> None:
    world = fleet(tiers=["standard", "enterprise"])
    assert {s.labels.get("tier") for s in scraped(world)} == {None, "standard", "enterprise", "suspect"}
    world.change(tiers=["standard"])
    world.look()
    world.tick()
    assert "enterprise" not in {s.labels.get("tier") for s in scraped(world)}
    world.kube.stored = None
    world.look()
    assert KEY not in world.reconciler.states
    assert scraped(world) == []


def test_who_does_not_lead_exports_nothing() -> None:
    world, registry = fleet(), CollectorRegistry()
    with exported(world.reconciler.states, registry):
        assert b"lane_desired_pods{" in generate_latest(registry)
    assert generate_latest(registry) == b""


def alerts() -> Iterator[dict[str, str]]:
    for group in yaml.safe_load(ALERTS.read_text())["spec"]["groups"]:
        yield from group["rules"]


def test_a_condition_is_met_by_the_route_that_its_alert_is_about() -> None:
    """The selectors' own labels and words, since a misspelt one never fires."""
    world = fleet()
    names = {s.name for s in scraped(world)} | {s.name for family in REGISTRY.collect() for s in family.samples}
    world.tick()
    labels = {label for s in scraped(world) for label in s.labels}
    for alert in alerts():
        used = re.findall(r"merchantroute_\w+", alert["expr"])
        assert used
        known = names | {s.name for s in scraped(world)}
        counted = {f"{family.name}_total" for family in REGISTRY.collect() if family.type == "counter"}
        assert set(used) <= known | counted
        assert set(re.findall(r"[{,] ?(\w+)[!=]", alert["expr"])) <= labels


@pytest.mark.parametrize("word", re.findall(r'reason="(\w+)"', ALERTS.read_text()))
def test_the_reasons_that_alerts_look_for_exist(word: str) -> None:
    assert word in scale_reasons.ALL

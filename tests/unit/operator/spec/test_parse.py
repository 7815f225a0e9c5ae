"""What a route means once it is parsed, and what is said of one that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.spec.duration import seconds
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import Credentials, Verify
from merchantroute_operator.spec.sections.deletion import parse_deleting
from merchantroute_operator.status.assemble import status
from merchantroute_operator.status.view import View
from tests.unit.operator.route_samples import a_route, raw_route


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("500ms", 0.5),
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("24h", 86_400.0),
        ("1.5h", 5_400.0),
        (".5s", 0.5),
        ("100us", 0.0001),
        ("100µs", 0.0001),
        ("1h0m0s", 3_600.0),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, meant: float) -> None:
    assert seconds(text) == meant


@pytest.mark.parametrize("text", ["", "10", "1d", "-5s", "5 s", "s", "1m30", "1,5s", "10seconds"])
def test_a_wrong_duration_is_named_with_its_field(text: str) -> None:
    with pytest.raises(SpecInvalid, match=r"spec\.orders\.deadline: .* is not a duration"):
        seconds(text, "spec.orders.deadline")


@pytest.mark.parametrize(
    ("tier", "cap"),
    [
        ({"name": "t", "concurrency": 200}, 50),
        ({"name": "t", "concurrency": 20}, 10),  # half: otherwise a small pod would have no cap
        ({"name": "t", "concurrency": 1}, 1),
        ({"name": "t", "concurrency": 20, "maxInFlightPerMerchant": 20}, 20),  # a tier of one merchant
        ({"name": "t", "concurrency": 200, "maxInFlightPerMerchant": 120}, 120),
    ],
)
def test_a_merchant_may_have_half_of_a_pod_unless_the_tier_says_otherwise(tier: dict[str, Any], cap: int) -> None:
    assert a_route(tiers=(tier,), default="t").tier("t").max_in_flight == cap


def test_a_minimal_route_gets_the_defaults_of_the_schema() -> None:
    route = a_route()
    tier = route.tier("standard")
    assert (tier.pool, tier.concurrency, tier.max_in_flight) == ("gevent", 100, 50)
    scaling = tier.scaling
    assert (scaling.min_replicas, scaling.max_replicas, scaling.paused) == (1, 10, False)
    assert (scaling.target_drain_time, scaling.scale_down_after, scaling.assumed_order_time) == (30.0, 120.0, 2.0)
    assert (route.deletion.policy, route.deletion.timeout) == ("Drain", 900.0)
    assert (route.deletion.on_timeout, route.deletion.dead_letters) == ("Retain", "Retain")
    assert route.worker_secret == route.broker_secret == "rabbitmq"
    assert route.deleting_since is None
    assert route.finalizers == ()


def test_delays_are_sorted_milliseconds() -> None:
    assert a_route(delays=("2m", "1s", "1.5s")).orders.delays == (1000, 1500, 120_000)


VERIFY = {"name": "submit", "method": "POST", "path": "/o", "verify": {"path": "/o/{order_id}"}}


def test_how_an_order_is_tried_again_is_read() -> None:
    answers = [{"answer": "tls", "then": "Dead"}, {"answer": "409", "then": "Done"}]
    retry = {"retryAfterMax": "1h", "answers": answers}
    orders = a_route(orders={"steps": [VERIFY, {**VERIFY, "name": "other", "verify": None}], "retry": retry}).orders

    assert orders.retry_after_max == 3_600.0
    assert orders.answers == (("409", "Done"), ("tls", "Dead"))
    assert [step.verify for step in orders.steps] == [Verify("GET", "/o/{order_id}"), None]
    assert (a_route().orders.retry_after_max, a_route().orders.answers) == (600.0, ())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # two texts, one delay: one queue cannot be two rungs
        ({"delays": ("1s", "1000ms")}, '"1s" and "1000ms" are the same delay'),
        ({"delays": ("10us",)}, "shorter than 1ms"),
        ({"default": "gold"}, "spec.defaultTier: there is no tier gold; write one of enterprise, standard"),
        ({"merchants": {"m0": "gold"}}, r"spec\.merchants\[m0\]\.tier: there is no tier gold"),
        ({"tiers": [{"name": "standard", "scaling": {"targetDrainTime": "0s"}}]}, "targetDrainTime: must be longer"),
        ({"worker": {"image": "w", "envFrom": [{"prefix": "MR_", "secretRef": {"name": "s"}}]}}, "envFrom prefix MR_"),
        ({"worker": {"image": "w", "env": [{"name": "MR_TIER", "value": "x"}]}}, "env MR_TIER is set by the operator"),
        ({"worker": {"image": "w", "labels": {"merchantroute.dev/tier": "x"}}}, "labels merchantroute.dev/tier is the"),
        (
            {"worker": {"image": "w", "volumeMounts": [{"name": "x", "mountPath": "/etc/merchantroute/config/"}]}},
            "is mounted by the operator",
        ),
        ({"worker": {"image": "w", "volumes": [{"name": "merchantroute-tmp"}]}}, "volumes merchantroute-tmp"),
        ({"orders": {"steps": []}}, "write at least one step"),
        (
            {"orders": {"steps": [VERIFY], "retry": {"retryAfterMax": "soon"}}},
            r'spec\.orders\.retry\.retryAfterMax: "soon" is not a duration',
        ),
    ],
)
def test_what_the_api_server_cannot_see_is_refused_with_field_and_mend(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecInvalid, match=said):
        a_route(**changes)


def test_a_tier_lays_its_overrides_over_the_workers_options() -> None:
    worker = {
        "image": "worker:1",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        "labels": {"team": "pos", "stage": "live"},
        "nodeSelector": {"zone": "a"},
        "resources": {"requests": {"cpu": "20m"}, "limits": {"memory": "1Gi"}},
        "tolerations": [{"key": "spot"}],
        "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    }
    tier = {
        "name": "standard",
        "image": "worker:2",
        "env": [{"name": "B", "value": "2"}, {"name": "C", "value": "2"}],
        "labels": {"stage": "test"},
        "nodeSelector": {"disk": "ssd"},
        "resources": {"requests": {"cpu": "1"}},
    }
    pod = a_route(worker=worker, tiers=[tier]).tier("standard").pod
    assert (pod.image, pod.app) == ("worker:2", "merchantroute_worker.app")
    assert pod.fields == {
        # merged by name, in the order in which they were first written
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "2"}],
        # merged by key
        "labels": {"team": "pos", "stage": "test"},
        "nodeSelector": {"zone": "a", "disk": "ssd"},
        # replaced whole
        "resources": {"requests": {"cpu": "1"}},
        # taken over
        "tolerations": [{"key": "spot"}],
        "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    }


def test_a_merchants_credentials_and_the_workers_own_secret_are_read() -> None:
    route = a_route(
        broker={"secretRef": {"name": "admin"}, "workerSecretRef": {"name": "plain"}},
        merchants=None,
    )
    assert (route.broker_secret, route.worker_secret) == ("admin", "plain")
    raw = raw_route(merchants={"m0": "standard"})
    raw["spec"]["merchants"][0]["credentials"] = {"type": "Bearer", "secretRef": {"name": "m0-pos"}}
    assert parse(raw).merchants[0].credentials == Credentials("Bearer", "m0-pos")


def test_a_route_that_is_being_deleted_says_since_when() -> None:
    raw = raw_route()
    raw["metadata"] |= {"deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["merchantroute.dev/finalizer"]}
    route = parse(raw)
    assert route.deleting_since == 1_767_323_045.0
    assert route.finalizers == ("merchantroute.dev/finalizer",)


def test_an_invalid_route_can_still_be_ended() -> None:
    raw = raw_route(delays=("1s", "1000ms"), deletion={"policy": "Force", "timeout": "1m"})
    raw["metadata"] |= {"deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["merchantroute.dev/finalizer"]}
    with pytest.raises(SpecInvalid):
        parse(raw)
    route = parse_deleting(raw)
    assert (route.deletion.policy, route.deletion.timeout) == ("Force", 60.0)
    assert (route.broker_secret, route.tiers, route.deleting_since) == ("rabbitmq", (), 1_767_323_045.0)
    assert status(View(generation=3, route=route, ending="closing"), {}, "now")["totals"] == {"merchants": 0}


def test_a_valid_route_ends_with_all_that_it_has() -> None:
    raw = raw_route(merchants={"m0": "standard"})
    assert parse_deleting(raw) == parse(raw)

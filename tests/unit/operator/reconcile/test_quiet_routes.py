"""A route to which nothing happens is not read anew; what happens is seen at once, or at the next comparison."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.kube.kube_port import Children, SecretData
from merchantroute_operator.naming import LABEL_CREDENTIALS
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.reconcile.state.resting.quiet import BUSY, IDLE
from tests.unit.operator.fake_ports import BROKER
from tests.unit.operator.operator_under_test import DOOR, KEY, World
from tests.unit.operator.route_samples import raw_route


class Quiet(World):
    """A route that has settled, its scaler, and how often its children were read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reads = 0
        read = self.kube.children

        async def children(namespace: str, route: str) -> Children:
            self.reads += 1
            return await read(namespace, route)

        self.kube.children = children  # type: ignore[method-assign]
        self.scaler = Scaler(
            self.reconciler._ctx,
            self.reconciler.states,
            touch=self.reconciler.touch,
            update_status=self.reconciler.queue.add,
            tick=2.0,
        )
        for _ in range(3):
            self.look()
        for (kind, _), body in self.kube.objects.items():
            if kind == "Deployment":
                self.reconciler.child_changed("Deployment", *KEY, body, gone=False)
        self.due()
        self.reads = 0

    @property
    def touched(self) -> bool:
        return self.reconciler.states[KEY].schedule.full

    def pass_time(self, seconds: float) -> None:
        """Ticks of the scaler, every two seconds."""
        end = self.at + seconds
        while self.at < end:
            self.at += 2.0
            asyncio.run(self.scaler.tick())

    def due(self) -> None:
        """What the work queue does when the time is up."""
        asyncio.run(self.reconciler.reconcile(KEY))


def test_a_reconcile_that_is_due_by_time_alone_reads_nothing() -> None:
    world = Quiet(raw_route(merchants={"burger": "standard"}))
    world.pass_time(61)
    world.due()
    assert (world.reads, world.touched) == (0, False)


def test_it_is_read_anew_all_the_same_now_and_then() -> None:
    world = Quiet(raw_route())
    world.pass_time(IDLE + 10)
    world.due()
    assert world.reads == 1


def test_more_often_where_orders_flow() -> None:
    world = Quiet(raw_route())
    world.broker.held = {f"{DOOR}.standard.stable": 3}
    world.pass_time(BUSY + 10)
    world.due()
    assert world.reads == 1


def test_a_broker_that_was_not_compared_is_read() -> None:
    world = Quiet(raw_route())
    world.pass_time(4)
    world.at += 130.0
    world.due()
    assert world.reads == 1


@pytest.mark.parametrize(
    "broken",
    [
        lambda seen: replace(seen, bindings=frozenset(b for b in seen.bindings if b.source != f"{DOOR}.assigned")),
        lambda seen: replace(seen, exchanges={n: e for n, e in seen.exchanges.items() if n != f"{DOOR}.dead"}),
        lambda seen: replace(seen, queues={n: q for n, q in seen.queues.items() if n != f"{DOOR}.dead"}),
    ],
    ids=["binding", "exchange", "queue"],
)
def test_what_somebody_removed_in_the_broker_is_back_within_the_resync(broken: Any) -> None:
    world = Quiet(raw_route(merchants={"burger": "standard"}))
    whole = world.broker.topology
    world.broker.topology = broken(whole)
    world.pass_time(60)
    assert world.touched
    world.due()
    assert world.broker.topology == whole
    assert any("Repaired" in event for event in world.kube.events)


def test_a_child_that_changes_or_goes_is_looked_after_at_once() -> None:
    world = Quiet(raw_route())
    name = next(name for kind, name in world.kube.objects if kind == "ConfigMap")
    body = world.kube.objects.pop(("ConfigMap", name))
    world.reconciler.child_changed("ConfigMap", *KEY, {"metadata": body["metadata"]}, gone=True)
    assert world.touched
    world.due()
    assert ("ConfigMap", name) in world.kube.objects


def test_what_a_reconcile_has_read_itself_is_no_news_when_the_watch_brings_it() -> None:
    world = Quiet(raw_route())
    key, body = next((key, body) for key, body in world.kube.objects.items() if key[0] == "ConfigMap")
    body["metadata"]["resourceVersion"] = "7"
    world.look()
    world.reconciler.child_changed(
        "ConfigMap", *KEY, {"metadata": {"name": key[1], "resourceVersion": "7"}}, gone=False
    )
    assert not world.touched
    world.reconciler.child_changed(
        "ConfigMap", *KEY, {"metadata": {"name": key[1], "resourceVersion": "8"}}, gone=False
    )
    assert world.touched


def test_an_autoscaler_of_its_deployments_is_looked_at_at_once() -> None:
    world = Quiet(raw_route())
    world.reconciler.autoscaler_changed(KEY[0], "nobodys")
    assert not world.touched
    deployment = next(name for kind, name in world.kube.objects if kind == "Deployment")
    world.reconciler.autoscaler_changed(KEY[0], deployment)
    assert world.touched


def test_only_the_secrets_that_it_uses_are_news_and_only_in_another_version() -> None:
    world = Quiet(raw_route())
    world.kube.secrets = {"rabbitmq": SecretData("rabbitmq", {}, BROKER, version="5")}
    world.look()
    for name, version, news in (("others", "1", False), ("rabbitmq", "5", False), ("rabbitmq", "6", True)):
        world.reconciler.secret_changed(KEY[0], name, version)
        assert world.touched is news


def test_a_merchants_secret_is_found_when_it_gets_its_label() -> None:
    raw = raw_route(merchants={"burger": "standard"})
    raw["spec"]["merchants"][0]["credentials"] = {"type": "Bearer", "secretRef": {"name": "burger-pos"}}
    world = Quiet(raw)
    found = world.reconciler.states[KEY].findings
    assert found is not None
    assert found.merchants.credential_problems
    labelled = SecretData("burger-pos", {LABEL_CREDENTIALS: "true"}, {"token": b"t"})
    world.kube.secrets = {**world.kube.secrets, "burger-pos": labelled}
    world.reconciler.secret_changed(KEY[0], "burger-pos", "9")
    assert world.touched


def test_between_two_reconciles_no_body_is_kept() -> None:
    world = Quiet(raw_route(merchants={"burger": "standard"}))
    kept = world.reconciler.states[KEY].findings
    assert kept is not None
    assert (kept.children.config_maps, kept.children.secrets, kept.children.auxiliaries) == ({}, {}, {})
    assert all("template" not in body["spec"] for body in kept.children.deployments.values())
    assert "spec" not in kept.raw

"""A pod whose broker user may do what the operator gives a lane's user, and no more, does all of a worker's work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import mounted_files, topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_operator.lane_users.broker_user import DropUser
from merchantroute_operator.lane_users.lane_rights import LaneName, permissions
from merchantroute_operator.lane_users.password import new_password
from merchantroute_operator.lane_users.user_plan import WantedUser, ensure, tag
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.resources.workload.own_publishes import own_publishes
from merchantroute_operator.resources.workload.pod import pod_template
from merchantroute_operator.spec.lane_specs import lanes
from tests.contract.rabbit.chains import address_of
from tests.harness.dialing import loopback
from tests.unit.operator.route_samples import a_route
from tests.worker.plain_app import PlainApp

CLUSTER = topology.PULSES.removeprefix("mr-pulses.")
ENV = [{"name": "MR_COMPLETIONS", "value": topology.COMPLETIONS}]
REFUSED = ("ACCESS_REFUSED", "AccessRefused")


def run(vhost: Vhost, work: Any) -> None:
    """One call of the operator's port, as an administrator."""

    async def call() -> None:
        broker = RabbitBroker(address_of(vhost), loopback())
        try:
            made: Coroutine[Any, Any, None] = broker.run_user_ops(work)
            await made
        finally:
            await broker.close()

    asyncio.run(call())


@contextmanager
def lane_user(vhost: Vhost, lane: str, **worker: Any) -> Iterator[Vhost]:
    """The broker as the lane's user, made as the operator makes it; ``worker`` is the route's ``spec.worker``."""
    route = a_route(tiers=[topology.TIER], default=topology.TIER, worker={"image": "worker:1", "env": ENV, **worker})
    spec = next(each for each in lanes(route) if each.name == lane)
    also = own_publishes(route, pod_template(route, spec.tier, lane)["spec"])
    wanted = WantedUser(
        f"mr.test.{uuid4().hex}", permissions(route, LaneName(spec.tier.name, spec.name), CLUSTER, also), new_password()
    )
    run(vhost, ensure([wanted], {}, tag(CLUSTER)))
    try:
        yield replace(vhost, username=wanted.name, password=wanted.password)
    finally:
        run(vhost, [DropUser(wanted.name)])


@pytest.fixture
def stable(lane: LocalLane) -> Iterator[Vhost]:
    """The lane's files name its own user."""
    with lane_user(lane.vhost, "stable") as theirs:
        mounted_files.write_broker(lane.root, theirs)
        yield theirs


def was_refused(lane: LocalLane) -> list[str]:
    """What pods said of rights that they lack."""
    lines = [line for worker in lane.workers for line in worker.log.read_text().splitlines()]
    return [line for line in lines if any(word in line for word in REFUSED)]


def test_orders_are_done_tried_again_and_dead_and_the_pod_reports(lane: LocalLane, stable: Vhost) -> None:
    lane.limits = {"maxAttempts": 2}
    good, broken, strict = lane.merchant("bistro"), lane.merchant("broken", "error"), lane.merchant("strict")
    lane.configure(good, broken, strict)
    worker = lane.work().ready()

    done, tried, refused = lane.orders(good, 5), lane.orders(broken, 1), f"{lane.run}-refused"
    lane.publish(strict, refused, order={"id": "x", "items": []})
    lane.publish("nobody", f"{lane.run}-unknown")

    lane.until_done(done)
    lane.until_dead([*tried, refused])
    reasons = {order: lane.dead[order][0]["headers"]["mr-reason"] for order in (*tried, refused)}
    assert reasons == {tried[0]: "attempts-exhausted", refused: "merchant-rejected"}
    until(lambda: lane.channel.basic_get(topology.PULSES, no_ack=True), "a pulse")
    lane.merchants.behave("nobody", "normal", latency={"p50_ms": 10, "p99_ms": 20})
    lane.known["nobody"] = {"endpoint": lane.merchants.endpoint("nobody")}
    lane.configure()
    lane.until_done([f"{lane.run}-unknown"], 60)
    assert was_refused(lane) == []
    assert stable.password not in worker.log.read_text()


def test_an_order_that_may_have_killed_a_pod_goes_to_the_suspect_lane_and_is_done_there(
    lane: LocalLane, stable: Vhost, tmp_path: Path
) -> None:
    """Its ladder is the default tier's."""
    del stable
    topology.declare_suspect(lane.vhost)
    merchant, broken = lane.merchant("hung", "hang"), lane.merchant("broken", "error")
    lane.limits = {"maxAttempts": 2, "callTimeoutMs": 60_000, "deadlineMs": 60_000}
    lane.configure(merchant, broken)
    lost = lane.orders(merchant, 1)
    for _ in range(2):
        worker = lane.work().ready()
        until(lambda: lane.unacked() == 1, "the order to be held")
        worker.process.kill()
        worker.process.wait()
        lane.pod_died()
    lane.merchants.behave(merchant, "normal")
    lane.work().ready()
    tried = f"{lane.run}-tried"
    lane.publish(broken, tried, exchange=topology.SUSPECT)

    with lane_user(lane.vhost, "suspect") as theirs:
        place = tmp_path / "alone"
        place.mkdir()
        mounted_files.write_broker(place, theirs)
        alone = {"MR_LANE": "suspect", "MR_TIER": "suspect", "MR_BROKER_DIR": str(place / "broker")}
        lane.work(1, **alone).ready()
        lane.until_done(lost, 60)
        lane.until_dead([tried], 60)
        assert lane.done[lost[0]][0]["lane"] == "suspect"
        assert was_refused(lane) == []
        lane.workers.pop().close()


def test_an_own_apps_tasks_publish_others_at_once_and_later(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    with lane_user(lane.vhost, "stable", app="shop.celery") as theirs:
        mounted_files.write_broker(lane.root, theirs)
        shop = PlainApp(lane)
        shop.work().ready()

        shop.send(merchant, "orders_more", "soup", shop.place)
        shop.send(merchant, "retries", "stew", shop.place)
        failed = shop.send(merchant, "fails")

        shop.until_noted("more soup", "later soup", f"stew for {merchant}")
        lane.until_dead([failed])
        assert was_refused(lane) == []
        for worker in lane.workers:
            worker.close()


def test_a_rotated_password_is_read_at_the_next_connection(lane: LocalLane, stable: Vhost) -> None:
    """The operator writes the Secret after the user: in between the pod waits in its process."""
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    worker = lane.work().ready()
    lane.until_done(lane.orders(merchant, 1))
    there = lane.vhost.api("GET", f"permissions/{lane.vhost.name}/{stable.username}")
    rights = {name: there[name] for name in ("configure", "write", "read")}
    password = new_password()
    lane.vhost.api("PUT", f"users/{stable.username}", {"password": password, "tags": ""})
    lane.vhost.api("PUT", f"permissions/{lane.vhost.name}/{stable.username}", rights)

    for connection in connections(lane.vhost, stable.username):
        lane.vhost.api("DELETE", f"connections/{connection}")
    until(lambda: worker.get("/readyz")[0] != 200, "the pod to be without its broker")
    mounted_files.write_broker(lane.root, replace(stable, password=password))

    lane.until_done(lane.orders(merchant, 2), 60)
    assert password not in json.dumps(worker.log.read_text())


def connections(vhost: Vhost, name: str) -> list[str]:
    """Those of a user; the broker lists a connection some seconds after it was opened."""
    found: list[str] = []

    def listed() -> bool:
        rows = vhost.api("GET", f"vhosts/{vhost.name}/connections")
        found[:] = [row["name"].replace(" ", "%20").replace(">", "%3E") for row in rows if row.get("user") == name]
        return len(found) >= 2

    until(listed, "the pod's connections to be listed", 60)
    return found

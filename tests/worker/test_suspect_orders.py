"""An order that kills its pod ends alone: in the suspect lane, then in dead letters, and no innocent with it."""

from collections.abc import Iterator

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.cut_connections import cut
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import Supervisor
from tests.worker.plain_app import APPS, PlainApp

APP = ["--app", "shop.celery"]


@pytest.fixture
def fleet(lane: LocalLane) -> Iterator[Supervisor]:
    topology.declare_suspect(lane.vhost)
    with Supervisor(lane.root, on_death=lane.pod_died) as supervisor:
        yield supervisor


@pytest.mark.parametrize("pool", ["gevent", "prefork"])
def test_the_order_that_kills_is_dead_in_the_end_and_its_neighbours_are_done(
    lane: LocalLane, fleet: Supervisor, pool: str
) -> None:
    merchant = lane.merchant("bistro", latency={"p50_ms": 50, "p99_ms": 100})
    lane.configure(merchant, concurrency=8)
    env = {"PYTHONPATH": str(APPS)}
    fleet.keep("pod", [*APP, "--pool", pool, "--concurrency", "8"], env)
    fleet.keep("suspect", [*APP, "--pool", pool], {**env, "MR_LANE": "suspect", "MR_TIER": "suspect"})

    shop = PlainApp(lane)
    innocents = lane.orders(merchant, 20)
    poison = shop.send(merchant, "kills")
    innocents += lane.orders(merchant, 20)

    lane.until_dead([poison], 90)
    lane.until_done(innocents, 90)
    assert lane.dead.keys() == {poison}
    headers = lane.dead[poison][0]["headers"]
    told = [headers[name] for name in ("mr-reason", "mr-attempts", "mr-answer-class")]
    assert told == ["killed-its-pod", 0, "none"]
    lane.published.remove(poison)
    book = lane.ledger()
    assert (book["done"], book["lost"], book["doubled"]) == (40, 0, 0)


def test_a_suspect_order_that_is_innocent_is_done_alone(lane: LocalLane, fleet: Supervisor) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    fleet.keep("suspect", [], {"MR_LANE": "suspect", "MR_TIER": "suspect"})

    lane.publish(merchant, f"{lane.run}-innocent", exchange=topology.SUSPECT)

    lane.until_done([f"{lane.run}-innocent"])
    assert lane.done[f"{lane.run}-innocent"][0]["lane"] == "suspect"


def test_a_connection_that_breaks_is_not_held_against_a_suspect_order(lane: LocalLane, fleet: Supervisor) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    merchant = lane.merchant("hung", "hang")
    lane.configure(merchant)
    fleet.keep("suspect", [], {"MR_LANE": "suspect", "MR_TIER": "suspect"})

    order = f"{lane.run}-unlucky"
    lane.publish(merchant, order, exchange=topology.SUSPECT)
    for calls in range(1, 5):
        until(lambda calls=calls: _calls(lane, order) >= calls, f"call {calls} of the order")  # type: ignore[misc]
        cut(lane.vhost)

    lane.merchants.behave(merchant, "normal")
    lane.until_done([order], 60)


def _calls(lane: LocalLane, order: str) -> int:
    seen = lane.merchants.receipts(lane.run).get(order, {})
    return sum(step.get("receipts", 0) for step in seen.values())

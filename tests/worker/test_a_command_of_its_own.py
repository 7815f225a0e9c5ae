"""A lane whose command is Celery's own command line: an ordinary app, unchanged, and what its pod is told."""

import signal

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_operator.resources.workload.program import variables
from tests.unit.operator.route_samples import a_route
from tests.worker.plain_app import APPS, PlainApp

POST = "worker --concurrency=200 --pool gevent --loglevel=info --without-mingle"


def told(command: list[str]) -> dict[str, str]:
    """The environment that the operator adds for a lane with this command."""
    route = a_route(tiers=[{"name": topology.TIER, "command": command}], default=topology.TIER)
    found = variables(route, route.tier(topology.TIER), "stable")
    return {variable["name"]: variable["value"] for variable in found}


def start(lane: LocalLane, app: str, arguments: str = POST) -> None:
    """Start it as the container would be, and wait until it consumes."""
    words = ["-A", app, *arguments.split()]
    env = told(["celery", *words])
    assert env["MR_QUEUE"] == topology.QUEUE
    expanded = [word.replace("$(MR_QUEUE)", env["MR_QUEUE"]) for word in words]
    lane.celery(expanded, PYTHONPATH=str(APPS), **env).ready()


@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        ("shop.gcelery", POST),
        pytest.param("shop.celery", POST, marks=pytest.mark.extended),
        ("shop.celery", f"{POST} -Q $(MR_QUEUE)"),
    ],
)
def test_the_post_s_own_command_line_works_an_ordinary_app_s_tasks(lane: LocalLane, app: str, arguments: str) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    shop = PlainApp(lane)
    start(lane, app, arguments)

    for number in range(30):
        shop.send(merchant, "cook", f"dish {number}", shop.place)
    shop.until_noted(*(f"dish {number}" for number in range(30)))
    orders = lane.orders(merchant, 20)
    lane.until_done(orders)

    shop.until_empty()
    assert sorted(shop.notes()) == sorted(f"dish {number}" for number in range(30))
    until(lambda: lane.prefetch() == 200, "the management to show the command line's slots")
    lane.look()
    assert not lane.dead


def test_what_the_app_asks_for_costs_no_order(lane: LocalLane) -> None:
    """The app acks early and routes elsewhere; its retry waits on the ladder and its failure is a dead letter."""
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    shop = PlainApp(lane)
    start(lane, "shop.gcelery")

    shop.send(merchant, "retries", "stew", shop.place)
    failed = shop.send(merchant, "fails")

    shop.until_noted(f"stew for {merchant}")
    lane.until_dead([failed])
    assert lane.dead[failed][0]["headers"]["mr-reason"] == "task-failed"
    shop.until_empty()


def test_a_pod_that_is_killed_amid_its_orders_loses_none(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro", latency={"p50_ms": 300, "p99_ms": 400})
    lane.configure(merchant)
    start(lane, "shop.gcelery")
    lane.orders(merchant, 200)
    lane.until_some_done(5)

    lane.workers[0].signal(signal.SIGKILL)
    lane.workers[0].wait()
    start(lane, "shop.gcelery")

    lane.until_done(lane.published, 60)
    ledger = lane.ledger()
    assert (ledger["done"], ledger["lost"], ledger["doubled"]) == (200, 0, 0)


def test_the_suspect_lane_has_one_slot_whatever_the_command_says(lane: LocalLane) -> None:
    topology.declare_suspect(lane.vhost)
    lane.configure(lane.merchant("bistro"))
    env = {**told(["celery"]), "MR_LANE": "suspect", "MR_TIER": "suspect"}
    lane.celery(["-A", "shop.gcelery", *POST.split()], PYTHONPATH=str(APPS), **env).ready()

    def prefetch() -> list[int]:
        queue = lane.vhost.api("GET", f"queues/{lane.vhost.name}/{topology.SUSPECT}")
        return [consumer["prefetch_count"] for consumer in queue.get("consumer_details") or []]

    until(lambda: prefetch() == [1], "the management to show one slot")

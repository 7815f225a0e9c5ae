"""A plain Celery app runs under the launcher unchanged: its retries, its chains, its ETAs, under its merchant's key."""

from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.plain_app import PlainApp

POOLS = ("gevent", "threads", "prefork")


@pytest.fixture
def shop(lane: LocalLane) -> PlainApp:
    lane.limits = {"callTimeoutMs": 2000, "deadlineMs": 3000}
    return PlainApp(lane)


@pytest.fixture
def merchant(shop: PlainApp) -> str:
    name = shop.lane.merchant("bistro")
    shop.lane.configure(name, concurrency=4)
    return name


@pytest.mark.parametrize("pool", POOLS)
def test_retries_chains_countdowns_and_tasks_of_tasks_all_arrive(shop: PlainApp, merchant: str, pool: str) -> None:
    shop.work(pool).ready()

    retried = shop.send(merchant, "retries", "soup", shop.place)
    shop.send(merchant, "autoretries", "stew", shop.place)
    shop.send(merchant, "orders_more", "rice", shop.place)
    serve: dict[str, Any] = {
        "task": "shop.serve",
        "args": [shop.place],
        "kwargs": {},
        "options": {},
        "subtask_type": None,
    }
    shop.send(merchant, "cook", "pie", shop.place, embed={"chain": [{**serve, "immutable": False}]})

    shop.until_noted(f"soup for {merchant}", "stew", f"rice by {merchant}", "more rice", "later rice", "served pie")
    shop.until_empty()
    notes = shop.notes()
    assert (notes.count("try soup"), notes.count("try stew"), len(notes)) == (3, 2, 12)
    shop.lane.look()
    assert [record["attempts"] for record in shop.lane.done[retried]] == [3]
    assert not shop.lane.dead


@pytest.mark.parametrize("pool", ["gevent", "prefork", pytest.param("threads", marks=pytest.mark.extended)])
def test_a_task_that_fails_or_rejects_is_a_dead_letter_and_never_dropped(
    shop: PlainApp, merchant: str, pool: str
) -> None:
    shop.work(pool).ready()

    ids = [shop.send(merchant, "fails"), shop.send(merchant, "rejects"), shop.send(merchant, "cook", "one argument")]

    shop.lane.until_dead(ids)
    letters = [shop.lane.dead[task_id][0]["headers"] for task_id in ids]
    assert [letter["mr-reason"] for letter in letters] == ["task-failed"] * 3
    shop.until_empty()


@pytest.mark.parametrize("pool", ["gevent", "prefork"])
def test_its_calls_end_at_the_route_s_deadline_and_are_tried_again(shop: PlainApp, merchant: str, pool: str) -> None:
    shop.lane.merchants.behave(merchant, "hang")
    worker = shop.work(pool).ready()

    shop.send(merchant, "calls", f"{shop.lane.merchants.endpoint(merchant)}/orders/1", shop.place)
    until(lambda: "Hard time limit" in worker.log.read_text(), "the task to be ended")
    shop.lane.merchants.behave(merchant, "normal")

    shop.until_noted("answered")
    shop.until_empty()


def test_its_tasks_for_a_hung_merchant_leave_slots_to_the_others(shop: PlainApp, merchant: str) -> None:
    hung = shop.lane.merchant("hung", "hang")
    shop.lane.limits = {"callTimeoutMs": 4000, "deadlineMs": 6000, "maxInFlightPerMerchant": 2}
    shop.lane.configure(hung, concurrency=4)
    shop.work().ready()

    for _ in range(10):
        shop.send(hung, "calls", f"{shop.lane.merchants.endpoint(hung)}/orders/1", shop.place)
    dishes = [f"dish {number}" for number in range(10)]
    for dish in dishes:
        shop.send(merchant, "cook", dish, shop.place)

    shop.until_noted(*dishes)
    shop.lane.merchants.behave(hung, "normal")
    until(lambda: shop.notes().count("answered") == 10, "the hung merchant's tasks", 90)


def test_a_task_for_later_waits_on_the_ladder_and_what_expired_is_a_dead_letter(shop: PlainApp, merchant: str) -> None:
    shop.work().ready()

    late = shop.send(merchant, "cook", "stale", shop.place, headers={"expires": "2020-01-01T00:00:00+00:00"})
    shop.lane.until_dead([late])

    assert shop.lane.dead[late][0]["headers"]["mr-reason"] == "expired"
    assert "stale" not in shop.notes()


def test_a_message_without_a_merchant_still_runs(shop: PlainApp, merchant: str) -> None:
    shop.work().ready()
    body = [["anybody's", shop.place], {}, {}]
    shop.lane.publish("nobody-we-know", f"{shop.lane.run}-any", body=body, headers={"task": "shop.cook"})
    shop.until_noted("anybody's")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--app", "shop.broken"], "cannot import the app 'shop.broken': ModuleNotFoundError"),
        (
            ["--app", "shop.celery", "--pool", "gevnet"],
            "there is no pool 'gevnet': write one of gevent, threads, prefork",
        ),
        (["--app", "shop.gcelery", "--pool", "threads"], "the app 'shop.gcelery' patches on import"),
        (["--concurrency", "none"], "--concurrency"),
        (["--app", "shop.limits", "--pool", "threads"], "the task limits.bakes has a time_limit of 5 s, and a thread"),
    ],
)
def test_what_can_never_work_ends_with_one_line_that_says_what_to_do(
    shop: PlainApp, merchant: str, arguments: list[str], line: str
) -> None:
    from tests.worker.plain_app import APPS

    worker = shop.lane.work(4, arguments=arguments, PYTHONPATH=str(APPS))
    assert worker.wait() == 1
    last = worker.log.read_text().splitlines()[-1]
    assert last.startswith("merchantroute-worker cannot start: ")
    assert line in last


def test_nothing_is_declared_by_its_worker(shop: PlainApp, merchant: str) -> None:
    before = {queue["name"] for queue in shop.lane.vhost.api("GET", f"queues/{shop.lane.vhost.name}?columns=name")}
    shop.work().ready()
    shop.send(merchant, "orders_more", "rice", shop.place)
    shop.until_noted("later rice")
    after = {queue["name"] for queue in shop.lane.vhost.api("GET", f"queues/{shop.lane.vhost.name}?columns=name")}
    assert after == before
    assert topology.QUEUE in after

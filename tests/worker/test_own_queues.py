"""A merchant's own queue is consumed beside the lane's, with this pod's part of its share and no more."""

import json
import re
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import mounted_files, topology
from merchantroute_kit.worker.cut_connections import cut
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

SLOWLY = {"p50_ms": 100, "p99_ms": 150}
POOLS = ("gevent", "threads", "prefork")
CELERY = """
from pathlib import Path

from celery import Celery

app = Celery("kitchen", broker="amqp://nobody@nowhere//")


@app.task
def cook(dish, place):
    Path(place, dish).touch()
"""


def seen(worker: WorkerProcess, merchant: str) -> dict[str, Any]:
    """What the pod shows of a merchant; empty before it knows it."""
    shown = json.loads(worker.get("/merchants?top=100")[1])["merchants"]
    return next((entry for entry in shown if entry["merchant"] == merchant), {})


def metric(worker: WorkerProcess, name: str) -> float:
    """A metric's value."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", worker.get("/metrics")[1], re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def until_consumed(worker: WorkerProcess, count: int) -> None:
    """Wait until the pod consumes so many own queues."""
    until(lambda: metric(worker, "merchantroute_own_queues") == count, f"{count} own queues to be consumed")


def until_prefetch(lane: LocalLane, queue: str, *counts: int) -> None:
    """Wait until the queue's consumers have these prefetch counts at the broker."""

    def prefetch() -> list[int]:
        shown = lane.vhost.api("GET", f"queues/{lane.vhost.name}/{queue}")
        return [consumer["prefetch_count"] for consumer in shown.get("consumer_details") or []]

    until(lambda: prefetch() == list(counts), f"prefetch counts {counts} at the broker")


def open_queue(lane: LocalLane, merchant: str, *parts: int, **more: Any) -> str:
    """Open a merchant's own queue as the operator does: declared, told to pods, consumed, bound, and that told."""
    queue = topology.declare_own_queue(lane.channel, merchant)
    lane.own(merchant, *parts, **more)
    until_consumed(lane.workers[0], sum(entry["parts"][0] > 0 for entry in lane.own_queues.values()))
    topology.bind_own_queue(lane.channel, merchant)
    lane.own(merchant, *parts, bound=True, **more)
    until_taken(lane)
    return queue


def until_taken(lane: LocalLane) -> None:
    """Wait until the first pod has the newest configuration."""
    wanted, worker = lane.generation, lane.workers[0]
    until(lambda: json.loads(worker.get("/merchants")[1])["generation"] == wanted, "the pod to take the configuration")


def ready_in(lane: LocalLane, queue: str) -> int:
    """Orders that wait in a queue for a consumer."""
    return int(lane.channel.queue_declare(queue, passive=True).message_count)


@pytest.mark.parametrize("pool", POOLS)
def test_its_orders_are_done_beside_the_lane_s_in_every_pool(lane: LocalLane, pool: str) -> None:
    own, other = lane.merchant("own", latency=SLOWLY), lane.merchant("other")
    lane.configure(own, other)
    worker = lane.work(4, arguments=["--pool", pool]).ready()
    queue = open_queue(lane, own, 2)

    ids = [*lane.orders(own, 20), *lane.orders(other, 20)]
    lane.until_done(ids, 60)

    assert lane.ledger() == {"done": 40}
    assert lane.merchants.peak(own) == 2
    assert metric(worker, "merchantroute_own_queues") == 1.0
    assert seen(worker, own)["ownQueue"] == {"queue": queue, "part": 2, "bound": True, "waiting": 0}
    assert seen(worker, other)["ownQueue"] is None


def test_its_part_follows_the_configuration_and_is_never_exceeded(lane: LocalLane) -> None:
    own = lane.merchant("own", latency=SLOWLY)
    lane.configure(own)
    worker = lane.work(20).ready()
    queue = open_queue(lane, own, 3)
    ids = lane.orders(own, 200)

    for part in (3, 1, 5):
        lane.own(own, part, bound=True)
        until_prefetch(lane, queue, part)
        until(lambda part=part: seen(worker, own)["inFlight"] <= part, "earlier orders to end")  # type: ignore[misc]
        lane.merchants.behave(own, "normal", latency=SLOWLY)
        lane.look()
        lane.until_some_done(len(lane.done) + 4 * part)
        assert lane.merchants.peak(own) == part
    lane.own(own, 0, bound=True)
    until_consumed(worker, 0)
    until(lambda: seen(worker, own)["inFlight"] == 0, "orders in flight to end")
    until(lambda: seen(worker, own)["ownQueue"]["waiting"] == 0, "what waits to be given back")
    lane.look()
    done = len(lane.done)
    assert ready_in(lane, queue) == 200 - done > 0

    lane.own(own, 9, bound=True)
    lane.until_done(ids, 60)
    assert lane.ledger() == {"done": 200}


def test_more_orders_than_slots_wait_and_the_lane_s_do_not_starve(lane: LocalLane) -> None:
    first, second = lane.merchant("one", latency=SLOWLY), lane.merchant("two", latency=SLOWLY)
    other = lane.merchant("other")
    lane.configure(first, second, other)
    worker = lane.work(2).ready()
    open_queue(lane, first, 2)
    open_queue(lane, second, 2)

    slow = [*lane.orders(first, 40), *lane.orders(second, 40)]
    until(lambda: metric(worker, "merchantroute_own_orders_waiting") > 0, "orders to wait in the pod")
    quick = lane.orders(other, 10)
    lane.until_done(quick)
    assert not set(slow) <= set(lane.done)
    lane.until_done(slow, 60)
    assert lane.ledger() == {"done": 90}


def test_a_queue_that_is_there_late_or_goes_harms_no_other(lane: LocalLane) -> None:
    late, kept, other = lane.merchant("late"), lane.merchant("kept"), lane.merchant("other")
    lane.configure(late, kept, other)
    worker = lane.work(8).ready()
    open_queue(lane, kept, 2)
    lane.own(late, 2)
    until(lambda: any("cannot be consumed yet" in entry["message"] for entry in worker.records()), "the pod to miss it")
    lane.until_done([*lane.orders(other, 5), *lane.orders(kept, 5)])
    assert metric(worker, "merchantroute_own_queues") == 1.0

    queue = topology.declare_own_queue(lane.channel, late)
    until_consumed(worker, 2)
    topology.bind_own_queue(lane.channel, late)
    lane.merchants.behave(late, "normal", latency=SLOWLY)
    ids = lane.orders(late, 2)
    until(lambda: seen(worker, late).get("inFlight") == 2, "its orders to be in flight")
    lane.channel.queue_delete(queue)
    until_consumed(worker, 1)
    lane.until_done([*ids, *lane.orders(late, 5), *lane.orders(other, 5), *lane.orders(kept, 5)])

    assert lane.ledger() == {"done": 27}
    assert not [entry for entry in worker.records() if "the consumer failed" in entry["message"]]


def test_a_queue_that_the_pod_may_not_read_harms_no_other(lane: LocalLane) -> None:
    kept, other, hidden = lane.merchant("kept", latency=SLOWLY), lane.merchant("other"), lane.merchant("hidden")
    queue = topology.own_queue(kept)
    with limited_user(lane, rf"^(?!mr\..*\.own\.)|^{re.escape(queue)}$") as user:
        lane.configure(kept, other, hidden)
        worker = lane.work(8).ready()
        open_queue(lane, kept, 2)
        topology.declare_own_queue(lane.channel, hidden)
        lane.own(hidden, 2)
        until(lambda: any("ACCESS_REFUSED" in str(entry) for entry in worker.records()), "the pod to be refused")
        lane.until_done([*lane.orders(other, 5), *lane.orders(kept, 20)])
        until_consumed(worker, 1)

        allow(lane, user, ".*")
        until_consumed(worker, 2)
        topology.bind_own_queue(lane.channel, hidden)
        lane.until_done(lane.orders(hidden, 5))

        book = lane.ledger()
        assert (book["done"], book["lost"], book["dead"], book["doubled"]) == (30, 0, 0, 0)
        assert not [entry for entry in worker.records() if "the consumer failed" in entry["message"]]


def allow(lane: LocalLane, user: str, read: str) -> None:
    """Let a user read what matches, and write everything."""
    rights = {"configure": "^$", "write": ".*", "read": read}
    lane.vhost.api("PUT", f"permissions/{lane.vhost.name}/{user}", rights)


@contextmanager
def limited_user(lane: LocalLane, read: str) -> Iterator[str]:
    """The pods' user at the broker, which may read what matches."""
    user, password = f"limited-{lane.run}", secrets.token_hex(16)
    lane.vhost.api("PUT", f"users/{user}", {"password": password, "tags": ""})
    try:
        allow(lane, user, read)
        mounted_files.write_broker(lane.root, replace(lane.vhost, username=user, password=password))
        yield user
    finally:
        lane.vhost.api("DELETE", f"users/{user}")


def test_a_rate_is_kept(lane: LocalLane) -> None:
    own = lane.merchant("own")
    lane.configure(own)
    lane.own_pods = ["pod-0", "another"]
    lane.work(20).ready()
    open_queue(lane, own, 10, 10, rate=20, burst=2)

    lane.until_done(lane.orders(own, 31), 60)

    finished = sorted(lane.done[order][0]["finishedAt"] for order in lane.published)
    # The pod's half: one at once, and ten a second. A slow machine only makes it longer.
    assert finished[-1] - finished[0] >= 1000 * (31 - 1) / 10 - 500
    assert lane.ledger() == {"done": 31}


def test_a_part_that_is_no_prefetch_count_ends_no_consumer(lane: LocalLane) -> None:
    own, other = lane.merchant("own"), lane.merchant("other")
    lane.configure(own, other)
    lane.work(4).ready()
    queue = open_queue(lane, own, 100_000)

    lane.until_done([*lane.orders(own, 5), *lane.orders(other, 5)], 60)
    until_prefetch(lane, queue, 4)


def test_parts_that_change_while_nothing_can_begin_do_not_gather_orders_in_the_pod(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    own = lane.merchant("own", "hang")
    lane.configure(own)
    worker = lane.work(20).ready()
    open_queue(lane, own, 4, rate=0.1)
    lane.orders(own, 60)
    until(lambda: metric(worker, "merchantroute_own_orders_waiting") >= 3, "orders to wait for a token")
    for part in (5, 4) * 4:
        lane.own(own, part, bound=True, rate=0.1)
        until_taken(lane)
    until(lambda: seen(worker, own).get("inFlight") == 1, "one order in flight")

    assert metric(worker, "merchantroute_own_orders_waiting") < 10
    lane.merchants.behave(own, "normal")


def test_what_waits_in_a_pod_that_ends_is_another_s_at_once(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    own, other = lane.merchant("own", "hang"), lane.merchant("other", latency=SLOWLY)
    lane.configure(own, other)
    lane.own_pods = ["pod-0", "pod-1"]
    ending, staying = lane.work(20, MR_GRACE="15").ready(), lane.work(20).ready()
    queue = open_queue(lane, own, 5, 0, rate=0.5)
    ids = lane.orders(own, 8)
    until(lambda: metric(ending, "merchantroute_own_orders_waiting") >= 3, "orders to wait for a token")
    lane.merchants.behave(own, "normal")

    beside = lane.orders(other, 40)
    ending.signal(signal.SIGTERM)
    lane.own(own, 0, 5, bound=True)
    until_consumed(staying, 1)
    lane.until_some_done(40 + 6)
    assert not ending.ended(), "it still has an order that hangs"
    lane.until_done([*ids, *beside], 60)

    assert ending.wait(30) == 0
    book = lane.ledger()
    assert (book["done"], book["lost"], book["dead"], book["doubled"]) == (48, 0, 0, 0)
    assert ready_in(lane, queue) == 0


def test_a_new_connection_consumes_it_again(lane: LocalLane) -> None:
    own, other = lane.merchant("own", latency=SLOWLY), lane.merchant("other")
    lane.configure(own, other)
    lane.work(8).ready()
    open_queue(lane, own, 2)
    ids = lane.orders(own, 30)
    lane.until_some_done(2)

    cut(lane.vhost)
    lane.until_done([*ids, *lane.orders(own, 10), *lane.orders(other, 10)], 60)

    book = lane.ledger()
    assert (book["done"], book["lost"], book["dead"], book["doubled"]) == (50, 0, 0, 0)
    assert lane.merchants.peak(own) <= 4  # those of the broken connection may still be answered


@pytest.mark.parametrize("pool", POOLS)
def test_an_app_s_own_tasks_wait_for_their_merchant_s_part_too(lane: LocalLane, tmp_path: Path, pool: str) -> None:
    package = tmp_path / "apps" / "kitchen"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "celery.py").write_text(CELERY)
    own = lane.merchant("own")
    lane.configure(own)
    worker = lane.work(2, arguments=["--app", "kitchen", "--pool", pool], PYTHONPATH=str(package.parent)).ready()
    open_queue(lane, own, 1)

    names = [f"{lane.run}-dish-{number}" for number in range(12)]
    for name in names:
        headers = {"task": "kitchen.celery.cook", "id": name}
        lane.publish(own, name, body=[[name, str(tmp_path)], {}, {}], headers=headers)
    lane.until_done(names)

    assert all((tmp_path / name).exists() for name in names)
    assert [len(lane.done[name]) for name in names] == [1] * 12
    assert metric(worker, "merchantroute_own_orders_waiting") == 0


def test_the_lane_s_orders_of_the_merchant_go_to_the_own_queue_at_once(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    own, other = lane.merchant("own", "hang"), lane.merchant("other")
    lane.configure(own, other)
    worker = lane.work(8).ready()
    queue = open_queue(lane, own, 1)

    ids = [f"{lane.run}-{number}" for number in range(10)]
    for order_id in ids:
        lane.publish(own, order_id, exchange=topology.QUEUE)
    until(lambda: ready_in(lane, queue) == 9, "them to be in the own queue but for one that runs")
    lane.until_done(lane.orders(other, 10))

    assert metric(worker, 'merchantroute_refused_total{destination="router"}') == 10.0
    assert metric(worker, 'merchantroute_refused_total{destination="rung"}') == 0.0
    assert (seen(worker, own)["inFlight"], lane.merchants.peak(own)) == (1, 1)


def test_a_pulse_has_what_the_operator_decides_from(lane: LocalLane) -> None:
    own = lane.merchant("own")
    lane.configure(own)
    lane.work(8).ready()
    open_queue(lane, own, 2)
    lane.until_done(lane.orders(own, 10))

    def figures() -> dict[str, Any]:
        while message := lane.channel.basic_get(topology.PULSES, no_ack=True):
            pulse = json.loads(message.body)
            found = {entry["merchant"]: entry for entry in pulse.get("merchants", [])}.get(own)
            if found and found["succeeded"] == 10:
                return {**pulse, "own": found}
        return {}

    pulse = until(figures, "a pulse with the merchant's figures")
    assert (pulse["slots"], pulse["active"], pulse["fairShare"]) == (8, 1, 6)
    zero = {"inFlight": 0, "slow": False, "refused": 0, "failed": 0}
    assert pulse["own"] == {"merchant": own, "succeeded": 10, **zero}

"""What a broker does on its bad days: it blocks who publishes, gives up slow consumers, and hears no heartbeat."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import RabbitMQ, own_broker
from merchantroute_kit.servers.vhosts import fresh_vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

DEFAULTS = {"consumer_timeout": 1_800_000, "channel_tick_interval": 60_000, "heartbeat": 60}
LOG_ONLY = {"MR_COMPLETIONS": ""}  # as in production: the record of a done order needs no publish
GIVEN_UP = "Connection to broker lost"  # by closing the channel, or from RabbitMQ 4.3 on by cancelling the consumer
CONSUMER_TIMEOUT = 15_000  # milliseconds; longer than a pod waits to hear of a death


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQ]:
    """A broker that may be harmed."""
    with own_broker() as broker:
        yield broker


@contextmanager
def setting(broker: RabbitMQ, **settings: int) -> Iterator[None]:
    """The broker's settings for connections and channels that are opened in the block."""
    for name, value in settings.items():
        assert broker.run("rabbitmqctl", "eval", f"application:set_env(rabbit, {name}, {value}).")
    try:
        yield
    finally:
        for name in settings:
            assert broker.run("rabbitmqctl", "eval", f"application:set_env(rabbit, {name}, {DEFAULTS[name]}).")


@pytest.fixture
def lane(broker: RabbitMQ, merchants: MerchantSim, tmp_path: Path) -> Iterator[LocalLane]:
    """A lane on that broker."""
    with fresh_vhost(broker.amqp_url, broker.mgmt_url, "test") as vhost:
        topology.declare(vhost, (200, 700))
        topology.declare_suspect(vhost)
        lane = LocalLane(tmp_path, vhost, merchants)
        try:
            yield lane
        finally:
            until(broker.feed, "the broker to have memory again")
            lane.close()


def whole(lane: LocalLane, ids: list[str]) -> bool:
    """Whether the merchants have all steps of these orders."""
    seen = lane.merchants.receipts(lane.run)
    return all("confirm" in seen.get(order, {}) for order in ids)


def said(worker: WorkerProcess, text: str) -> int:
    """How often a pod has logged this."""
    return sum(text in str(record["message"]) for record in worker.records())


def lanes_of(worker: WorkerProcess) -> set[str]:
    """Where orders were done."""
    return {record["lane"] for record in worker.records() if record.get("event") == "order.done"}


def test_a_backlog_is_done_while_the_broker_is_out_of_memory(lane: LocalLane, broker: RabbitMQ) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    ids = lane.orders(merchant, 60)
    until(broker.starve, "the broker to be without memory")

    worker = lane.work(10, **LOG_ONLY).ready()

    until(lambda: said(worker, "blocks publishing of pulses"), "the broker to block the pulses")
    until(lambda: lane.queued() == 0, "the backlog to be acked")
    assert whole(lane, ids)
    assert not said(worker, "blocks publishing of orders"), "no outcome had to be published"


@pytest.mark.extended
def test_a_consumer_time_out_during_an_alarm_makes_no_order_suspect(lane: LocalLane, broker: RabbitMQ) -> None:
    good, failing = lane.merchant("bistro"), lane.merchant("failing", "error")
    lane.configure(good, failing, concurrency=4)
    ids = [*lane.orders(failing, 4), *lane.orders(good, 4)]
    until(broker.starve, "the broker to be without memory")
    with setting(broker, consumer_timeout=CONSUMER_TIMEOUT, channel_tick_interval=1000):
        worker = lane.work(4, **LOG_ONLY).ready()
        until(lambda: said(worker, GIVEN_UP) >= 2, "the broker to give its consumer up twice", 90)
        lane.merchants.behave(failing, "normal")
        until(broker.feed, "the broker to have memory again")

        until(lambda: whole(lane, ids) and lane.queued() == 0, "every order to be done", 60)
    assert lanes_of(worker) == {"stable"}
    assert not said(worker, "order is suspect")


@pytest.mark.parametrize("pool", ["threads", pytest.param("prefork", marks=pytest.mark.extended)])
def test_a_pod_that_drains_for_longer_than_two_heartbeats_finishes_its_order(
    lane: LocalLane, broker: RabbitMQ, pool: str
) -> None:
    lane.limits = {"callTimeoutMs": 20_000, "deadlineMs": 40_000}
    merchant = lane.merchant("slow", latency={"p50_ms": 6200, "p99_ms": 6200})
    lane.configure(merchant, concurrency=2)
    # Any shorter, and the broker's own heartbeats would keep Celery's loop, which waits for two seconds, from its turn.
    with setting(broker, heartbeat=5):
        worker = lane.work(2, arguments=["--pool", pool], **LOG_ONLY).ready()
        ids = lane.orders(merchant, 1)
        until(lambda: lane.unacked() == 1, "the pod to have the order")

        worker.signal(signal.SIGTERM)

        assert worker.wait(60) == 0
    until(lambda: lane.queued() == 0, "its ack to have been taken")
    assert lanes_of(worker) == {"stable"}
    seen = lane.merchants.receipts(lane.run)[ids[0]]
    assert {name: step["receipts"] for name, step in seen.items()} == dict.fromkeys(
        ("validate", "submit", "confirm"), 1
    )

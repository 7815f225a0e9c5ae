"""What ends late, or has no way on: all is done in the end, effects once. Faults under load are in test_chaos."""

import signal
import threading

from merchantroute_kit.servers.rabbitmq import RabbitMQ
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.harness.broker import Broker


def test_orders_that_outlast_the_grace_are_handed_back(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    merchant = lane.merchant("hung", "hang")
    lane.configure(merchant)
    leaving = lane.work(MR_GRACE="3").ready()

    ids = lane.orders(merchant, 5)
    until(lambda: lane.unacked() == 5, "the worker to have taken the orders")
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    lane.merchants.behave(merchant, "normal")
    lane.work().ready()

    lane.until_done(ids)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (5, 0, 0)


def test_orders_are_held_while_the_ladder_is_not_there(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 50}
    merchant = lane.merchant("broken", "error")
    lane.configure(merchant)
    worker = lane.work().ready()
    with topology.connect(lane.vhost) as connection:
        connection.channel().exchange_delete(topology.RETRY)

    ids = lane.orders(merchant, 5)
    until(lambda: any(r.get("reason") == "held" for r in worker.records()), "orders to be held")
    until(lambda: lane.unacked() == 5, "the broker to count them as unacked")
    lane.merchants.behave(merchant, "normal")
    topology.declare(lane.vhost, (200, 700))

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (5, 0, 0)


def test_no_ack_is_dropped_that_the_broker_keeps_back_when_a_pod_ends(lane: LocalLane, broker: Broker) -> None:
    assert broker.name, "this test harms the broker that it uses, so MR_TEST_AMQP cannot name one"
    lane.limits = {"callTimeoutMs": 30_000, "deadlineMs": 60_000}
    merchants = [lane.merchant(f"even{number}", latency={"p50_ms": 2_000, "p99_ms": 2_000}) for number in range(10)]
    lane.configure(*merchants, concurrency=100)
    leaving = lane.work(100).ready()
    until(lambda: lane.vhost.api("GET", f"consumers/{lane.vhost.name}"), "the management to know the consumer")
    ids = [order for merchant in merchants for order in lane.orders(merchant, 10)]
    until(lambda: len(lane.merchants.receipts(lane.run)) == 100, "all orders to be under way")
    leaving.signal(signal.SIGTERM)
    until(lambda: not lane.vhost.api("GET", f"consumers/{lane.vhost.name}"), "the consumer to be cancelled")
    leader = f'list_to_atom("{lane.vhost.name}_{topology.QUEUE}")'
    pause = f"sys:suspend({leader}), timer:sleep(8000), sys:resume({leader})."
    queue_stands = threading.Thread(
        target=RabbitMQ(broker.name, lane.vhost.port, 0).run, args=("rabbitmqctl", "eval", pause)
    )
    queue_stands.start()
    assert leaving.wait() == 0
    lane.until_done(ids)
    queue_stands.join()
    lane.work().ready()

    lane.until_done(lane.orders(merchants[0], 1))  # it stands behind whatever was delivered again
    book = lane.ledger()
    assert (book["done"], book["repeated calls"], book["copies"]) == (101, 0, 0)

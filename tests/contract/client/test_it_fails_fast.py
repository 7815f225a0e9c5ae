"""A broker that has been away for long holds up nobody: a publish is refused at once, and one at a time tries again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import amqp
import pytest

from merchantroute_kit.servers.rabbitmq import PASSWORD, USER, RabbitMQ, own_broker
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_worker.client import Client, NotAllSafe, NotSafe, Receipt
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute

QUEUE = "lane"
LONG = 3600.0  # seconds; whoever waits that long fails the test
REFUSED = "not tried, since publishing has failed for"


@pytest.fixture(scope="module")
def broker_of_our_own() -> Iterator[RabbitMQ]:
    with own_broker() as broker:
        with _channel(broker) as channel:
            channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
            channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            channel.queue_bind(QUEUE, topology.FRONT)
        yield broker


@contextmanager
def _channel(broker: RabbitMQ) -> Iterator[amqp.Channel]:
    where = f"127.0.0.1:{broker.amqp_port}"
    with amqp.Connection(where, USER, PASSWORD, login_method="PLAIN") as connection:
        yield connection.channel()


def outcome(client: Client, order_id: str, within: float = 0.5) -> Receipt | NotSafe:
    try:
        return client.publish({}, merchant="bistro", order_id=order_id, within=within)
    except NotSafe as error:
        return error


def refuses(client: Client) -> bool:
    found = outcome(client, "probe")
    return isinstance(found, NotSafe) and REFUSED in found.problem


def test_a_broker_that_was_stopped_holds_up_nobody_and_is_found_when_it_is_back(broker_of_our_own: RabbitMQ) -> None:
    broker = broker_of_our_own
    with (
        Client(broker=f"{broker.amqp_url}/", route=ROUTE, fail_fast_after=2.0) as client,
        ThreadPoolExecutor(32) as workers,
    ):
        client.publish({}, merchant="bistro", order_id="before")
        broker.stop()
        until(lambda: refuses(client), "the outage to be known")

        waiting = [workers.submit(outcome, client, f"during-{number}", LONG) for number in range(200)]
        outcomes = [each.result(60) for each in waiting]
        assert {type(each) for each in outcomes} == {NotSafe}
        refused = [each for each in outcomes if isinstance(each, NotSafe) and REFUSED in each.problem]
        assert len(refused) > 100
        assert "refused" in refused[0].problem  # by the machine, as the last attempt had it
        assert {(each.may_have_arrived, each.attempts) for each in refused} == {(False, 0)}

        broker.start_again()
        until(lambda: isinstance(outcome(client, "back", 10.0), Receipt), "a probe to find the broker")
        assert {type(outcome(client, f"after-{number}", 30.0)) for number in range(20)} == {Receipt}

    with _channel(broker) as channel:
        ids = []
        while message := channel.basic_get(QUEUE, no_ack=True):
            ids.append(message.properties["correlation_id"])
    assert ids[0] == "before"
    assert [one for one in ids if one.startswith("during")] == []
    assert {f"after-{number}" for number in range(20)} <= set(ids)


def test_a_batch_is_refused_whole(broker_of_our_own: RabbitMQ) -> None:
    broker = broker_of_our_own
    with (
        Client(broker=f"{broker.amqp_url}/", route="orders/gone", fail_fast_after=0.5) as client,
        ThreadPoolExecutor(1) as worker,
    ):
        until(lambda: refuses(client), "the route's absence to be known")

        orders = [{"id": str(number), "merchant": "bistro"} for number in range(50)]
        error = worker.submit(client.publish_many, orders, within=LONG).exception(60)

    assert isinstance(error, NotAllSafe)
    assert len(error.problems) == 50


def test_a_probe_ends_with_its_first_attempt(bare: BrokerWithRoute) -> None:
    with bare.client(fail_fast_after=0.5) as client, ThreadPoolExecutor(1) as worker:
        until(lambda: refuses(client), "the route's absence to be known")

        def probe() -> bool:
            assert client.publish_many([]) == []  # which finds nothing out, and is nobody's probe
            found = worker.submit(outcome, client, "probe", LONG).result(60)
            return isinstance(found, NotSafe) and found.problem.startswith("404")

        until(probe, "an order that was tried")
        bare.open_the_route()
        until(lambda: isinstance(outcome(client, "there"), Receipt), "the route to be found")
    assert "there" in [arrived.properties["correlation_id"] for arrived in bare.arrived()]

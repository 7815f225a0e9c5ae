"""A message that the broker refuses for what it is ends with the broker's words, and takes nobody else's with it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import amqp
import pytest

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_worker.delivery.held_publish import publish_until_confirmed
from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.rabbit.address import BrokerAddress
from merchantroute_worker.rabbit.publisher import Publisher, Refused

QUEUE = "mr.orders.pos.dead"
SOON = 60.0  # seconds


@dataclass
class Connected:
    """A publisher of a pod, connected to a real broker."""

    publisher: Publisher
    channel: amqp.Channel

    def publish(self, order_id: str, expiration: str | None = None) -> bool:
        """Publish as an outcome is."""
        properties = {"correlation_id": order_id, **({"expiration": expiration} if expiration else {})}
        message = Outgoing(exchange="", routing_key=QUEUE, body=b"[]", properties=properties, headers={})
        return publish_until_confirmed(
            self.publisher, message, handed_back=lambda: False, must_give_up=lambda: False, log_fields=lambda _: {}
        )

    def queued(self) -> set[str]:
        """The ids of what is in the queue, which is emptied."""
        found = set()
        while message := self.channel.basic_get(QUEUE, no_ack=True):
            found.add(message.properties["correlation_id"])
        return found


@pytest.fixture
def connected(vhost: Vhost) -> Iterator[Connected]:
    """A publisher that runs, and a channel to look at the queue with."""
    address = BrokerAddress(
        host=vhost.host, port=vhost.port, username=vhost.username, password=vhost.password, vhost=vhost.name
    )
    over = threading.Event()

    def until_over(publisher: Publisher) -> None:
        with suppress(SystemExit):
            publisher.run()

    def read_address() -> BrokerAddress:
        if over.is_set():
            raise SystemExit  # of the thread
        return address

    with amqp.Connection(
        f"{vhost.host}:{vhost.port}", vhost.username, vhost.password, virtual_host=vhost.name
    ) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        publisher = Publisher(read_address, confirm_timeout=1.0)
        running = threading.Thread(target=until_over, args=(publisher,), daemon=True)
        running.start()
        assert publisher.wait_open(SOON)
        yield Connected(publisher, channel)
        over.set()
        publisher.close()
        running.join(SOON)


def test_it_is_told_apart_from_those_beside_it(connected: Connected) -> None:
    well = [f"well-{number}" for number in range(30)]
    with ThreadPoolExecutor(32) as pool:
        refused = [pool.submit(connected.publish, f"refused-{number}", "soon") for number in range(2)]
        published = [pool.submit(connected.publish, each) for each in well]
        assert all(each.result(SOON) for each in published)
        for each in refused:
            with pytest.raises(Refused, match=r"406 PRECONDITION_FAILED - invalid expiration"):
                each.result(SOON)

    assert connected.queued() == set(well)
    assert connected.publish("after")


def test_it_is_told_after_a_new_connection_too(connected: Connected) -> None:
    with pytest.raises(Refused):
        connected.publish("refused", "soon")
    connected.publisher.close()  # the next one is opened
    with pytest.raises(Refused):
        connected.publish("refused", "soon")
    assert connected.publish("well")

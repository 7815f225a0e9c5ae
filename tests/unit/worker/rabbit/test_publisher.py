"""A publish and its confirm: one copy for as long as the connection lives."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.rabbit.confirms import Confirms
from merchantroute_worker.rabbit.publisher import ORDERS, NotPublished, Publisher, TooLarge, largest_message

ORDER = Outgoing(exchange="mr.a.b", routing_key="bistro", body=b"[]", properties={"correlation_id": "o-1"}, headers={})
SOON = 20.0


class Channel:
    """An open channel that notes what is published."""

    def __init__(self) -> None:
        self.lock, self.confirms = threading.Lock(), Confirms()
        self.lost_at: float | None = None
        self.refused_one = self.given_up = False
        self.published: list[str] = []

    def publish(self, _content: Any, _exchange: str, routing_key: str, *, mandatory: bool) -> None:
        assert mandatory
        self.published.append(routing_key)

    def lose(self, reason: str) -> None:
        self.lost_at = 0.0
        self.confirms.lost(reason)


class World:
    """A publisher with one channel, whose confirm time-out has passed three times when `overdue` is set."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.publisher = Publisher(lambda: pytest.fail("connects"), confirm_timeout=0.01)
        ports: Any = self.publisher
        ports._channels = {ORDERS: self.channel}
        ports._open.set()
        self.asked, self.overdue, self.gives_up = 0, threading.Event(), False

    def publish(self) -> None:
        self.publisher.publish(ORDER, give_up=self._give_up)

    def _give_up(self) -> bool:
        self.asked += 1
        if self.asked == 3:
            self.overdue.set()
        return self.gives_up


@pytest.fixture
def world() -> World:
    return World()


def begin(world: World, pool: ThreadPoolExecutor) -> "Future[None]":
    published = pool.submit(world.publish)
    assert world.overdue.wait(SOON)
    assert not published.done()
    assert world.channel.published == ["bistro"]
    return published


def test_an_overdue_confirm_is_waited_for(world: World) -> None:
    with ThreadPoolExecutor(1) as pool:
        published = begin(world, pool)
        world.channel.confirms.answered(1, False, nacked=False)
        published.result(SOON)

    assert world.channel.published == ["bistro"]


def test_an_overdue_confirm_ends_with_its_connection(world: World) -> None:
    with ThreadPoolExecutor(1) as pool:
        published = begin(world, pool)
        world.publisher.close()
        with pytest.raises(NotPublished, match="shuts down"):
            published.result(SOON)


def test_an_overdue_confirm_is_given_up_when_its_message_is_the_broker_s_again(world: World) -> None:
    with ThreadPoolExecutor(1) as pool:
        published = begin(world, pool)
        world.gives_up = True
        with pytest.raises(NotPublished, match="given up"):
            published.result(SOON)

    assert len(world.channel.confirms) == 0


def test_nothing_is_published_on_a_channel_that_is_just_being_lost(world: World) -> None:
    """The reader says so to those that wait; who comes a moment later must not wait for ever."""
    world.channel.confirms.lost("404")

    with pytest.raises(NotPublished):
        world.publish()
    assert world.channel.published == []


def test_what_needs_no_confirm_is_dropped_while_the_broker_blocks(world: World) -> None:
    """A pulse that waited would be a pulse of the past."""
    world.publisher._blocked("low on memory")
    world.publisher.send(ORDER, ORDERS)
    dropped = list(world.channel.published)
    world.publisher._unblocked()
    world.publisher.send(ORDER, ORDERS)

    assert (dropped, world.channel.published) == ([], ["bistro"])


@pytest.mark.parametrize(
    ("code", "text", "largest"),
    [
        (406, "PRECONDITION_FAILED - message size 16777322 is larger than configured max size 16777216", 16_777_216),
        (406, "PRECONDITION_FAILED - message size 101 is too large", 100),
        (406, "PRECONDITION_FAILED - invalid expiration", None),
        (404, "NOT_FOUND - no exchange of message size 1 in vhost", None),
    ],
)
def test_the_largest_message_is_read_from_how_the_broker_closed_the_channel(
    code: int, text: str, largest: int | None
) -> None:
    assert largest_message(code, text) == largest


def test_what_is_larger_than_the_broker_takes_is_not_sent(world: World) -> None:
    """It would close the channel, and each time everything unconfirmed on it would be published once more."""
    publisher: Any = world.publisher
    publisher._largest = len(ORDER.body) - 1
    world.gives_up = True

    with pytest.raises(TooLarge):
        world.publish()

    assert world.channel.published == []

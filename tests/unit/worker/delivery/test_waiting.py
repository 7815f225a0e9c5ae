"""Deliveries wait for a slot and for their merchant's part, and begin when something changes."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_worker.bulkhead.pauses import FIRST
from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.delivery.waiting import LONGEST_PAUSE, LONGEST_WAIT, Entry, WaitingDeliveries
from merchantroute_worker.isolation.own_queues import PodPart
from merchantroute_worker.orders.messages import MOST_RETURNS, RETURNS
from tests.unit.worker.delivery.test_settlement import Fixture, Message


class Consumer:
    """A consumer whose deliveries begin by being noted."""

    def __init__(self, slots: int = 2) -> None:
        self.pod = Fixture().pod
        self.in_flight: dict[Delivery, Any] = {}
        self.begun: list[Delivery] = []
        self.waiting = WaitingDeliveries(self.in_flight, slots, _call, self.pod.bulkhead, self.pod.clock)
        self.waiting.own_tags["own-1"] = "bistro"

    def arrives(self, *, own: bool = False, fails: bool = False, own_task: bool = False, returned: int = 0) -> Delivery:
        """A message comes, from the merchant's own queue or through the lane."""
        message = Message()
        message.delivery_info["consumer_tag"] = "own-1" if own else "lane"
        delivery = Delivery(self.pod, message)
        delivery.incoming = delivery.incoming._replace(headers={RETURNS: returned})

        def begin() -> None:
            if fails:
                raise RuntimeError("the pool is closed")
            self.in_flight[delivery] = []
            self.begun.append(delivery)

        self.waiting.add(Entry(delivery, begin, own_task))
        return delivery

    def ends(self, delivery: Delivery) -> None:
        """A delivery ends."""
        del self.in_flight[delivery]
        self.waiting.ended(delivery)


def _call(work: Callable[[], None]) -> None:
    work()


def part(count: int, **more: Any) -> dict[str, PodPart]:
    """The merchant's part."""
    return {"bistro": PodPart("own", count, True, **more)}


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


def test_without_own_queues_and_with_a_free_slot_nobody_is_asked(consumer: Consumer) -> None:
    assert not consumer.waiting.in_use
    first, second, third = (consumer.arrives() for _ in range(3))

    assert (consumer.begun, consumer.waiting.in_use) == ([first, second], True)
    consumer.ends(first)
    assert (consumer.begun[2:], consumer.waiting.in_use) == ([third], False)


def test_an_own_queue_s_orders_begin_up_to_the_part_and_the_next_when_one_ends(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    first, second = consumer.arrives(own=True), consumer.arrives(own=True)

    assert (consumer.begun, consumer.waiting.of_own("bistro")) == ([first], 1)
    assert (first.from_own_queue, first.admitted) == (True, True)
    consumer.ends(first)
    assert consumer.begun == [first, second]


def test_what_is_in_flight_when_a_queue_is_opened_counts(consumer: Consumer) -> None:
    before = consumer.arrives()
    consumer.waiting.configure(part(1))
    consumer.arrives(own=True)

    assert consumer.begun == [before]
    consumer.ends(before)
    assert len(consumer.begun) == 2


def test_what_comes_through_the_lane_and_belongs_in_the_own_queue_is_marked(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    fresh = consumer.arrives()
    consumer.ends(fresh)
    first, second = (consumer.arrives(returned=MOST_RETURNS) for _ in range(2))

    assert [delivery.beyond_part for delivery in (fresh, first, second)] == [True, False, True]
    consumer.ends(first)
    consumer.ends(second)
    assert consumer.arrives(returned=MOST_RETURNS).beyond_part is False


@pytest.mark.parametrize("worked", [True, False])
def test_an_order_of_the_lane_that_makes_no_call_leaves_the_lane_its_turn(consumer: Consumer, worked: bool) -> None:
    consumer.waiting.configure(part(9))
    consumer.waiting.resize(1)
    own = consumer.arrives(own=True)
    first, second, _ = consumer.arrives(), consumer.arrives(), consumer.arrives(own=True)
    consumer.ends(own)
    assert consumer.begun == [own, first]
    if worked:
        first.work_begins()

    consumer.ends(first)

    assert (consumer.begun[2:] == [second]) is not worked


def test_a_higher_part_or_more_slots_let_more_begin_at_once(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    for _ in range(4):
        consumer.arrives(own=True)
    consumer.waiting.configure(part(4))
    assert len(consumer.begun) == 2
    consumer.waiting.resize(3)
    assert len(consumer.begun) == 3


def test_what_waits_for_a_token_begins_when_it_is_due(consumer: Consumer) -> None:
    consumer.waiting.configure(part(2, rate=20.0))
    consumer.arrives(own=True)
    consumer.arrives(own=True)

    assert len(consumer.begun) == 1
    until(lambda: len(consumer.begun) == 2, "the token to fall due")
    consumer.ends(consumer.begun[0])
    consumer.arrives(own=True)
    until(lambda: len(consumer.begun) == 3, "the next token, which the timer did not know of")


@pytest.mark.parametrize(
    ("seconds", "bound", "waits"),
    [
        (LONGEST_WAIT - 1, True, True),
        (LONGEST_WAIT + 9, True, True),
        (LONGEST_WAIT - 1, False, True),
        (LONGEST_WAIT + 9, False, False),
    ],
)
def test_a_pause_of_its_merchant_is_waited_for_here_and_a_long_one_on_the_ladder_that_leads_elsewhere(
    consumer: Consumer, seconds: float, bound: bool, waits: bool
) -> None:
    consumer.waiting.configure({"bistro": PodPart("own", 2, bound)})
    now = consumer.pod.clock.now()
    consumer.pod.bulkhead.refusals.asked_to_wait("bistro", now, began=now, seconds=seconds)

    delivery = consumer.arrives(own=True)

    assert (consumer.begun, consumer.waiting.of_own("bistro")) == (([], 1) if waits else ([delivery], 0))
    assert delivery.admitted is False


def test_a_pause_of_the_fleet_is_obeyed_until_it_is_over_and_told_of_where_it_is_too_long_to_wait_here(
    consumer: Consumer,
) -> None:
    consumer.waiting.configure(part(2, paused_until=time.time() + LONGEST_WAIT))
    delivery = consumer.arrives(own=True)
    assert (consumer.begun, consumer.waiting.of_own("bistro")) == ([], 1)
    assert consumer.waiting.paused_for_long() == frozenset()

    consumer.waiting.configure(part(2, paused_until=time.time() + LONGEST_PAUSE + 60))
    assert (consumer.begun, consumer.waiting.paused_for_long()) == ([], frozenset({"bistro"}))
    consumer.waiting.configure(part(2, paused_until=time.time() - 1))
    assert (consumer.begun, consumer.waiting.paused_for_long()) == ([delivery], frozenset())


def test_the_pod_s_own_rate_does_not_count_where_the_fleet_has_one(consumer: Consumer) -> None:
    refusals, now = consumer.pod.bulkhead.refusals, consumer.pod.clock.now()
    consumer.waiting.configure(part(2, rate=1_000.0, burst=10.0))
    for _ in range(6):
        refusals.asked_to_wait("bistro", now - 100.0, began=now - 100.0, seconds=None)
    assert refusals.verdict("bistro", now - 90.0) is None
    assert refusals.verdict("bistro", now - 90.0) is Verdict.RATE_LIMIT

    assert refusals.verdict("bistro", now - 90.0, own_queue=True) is None
    assert refusals.wait("bistro", now - 90.0) > 0
    assert refusals.wait("bistro", now - 90.0, own_queue=True) == 0
    refusals.asked_to_wait("bistro", now, began=now, seconds=None)
    assert refusals.verdict("bistro", now, own_queue=True) is Verdict.PAUSED
    assert refusals.wait("bistro", now, own_queue=True) == pytest.approx(FIRST)


@pytest.mark.parametrize("own_task", [False, True])
def test_refused_credentials_hold_up_orders_and_no_app_s_own_tasks(consumer: Consumer, own_task: bool) -> None:
    consumer.waiting.configure(part(2))
    now = consumer.pod.clock.now()
    consumer.pod.bulkhead.refusals.refused_credentials("bistro", now, credential="x", step="submit", began=now)

    delivery = consumer.arrives(own=True, own_task=own_task)

    assert (consumer.begun, delivery.admitted) == (([delivery], True) if own_task else ([], False))


def test_slow_merchants_own_queues_leave_half_of_the_slots() -> None:
    consumer = Consumer(slots=4)
    consumer.pod.fixed_slots = 4
    consumer.waiting.configure(part(4))
    now = consumer.pod.clock.now()
    limits = consumer.pod.bulkhead.limits
    for number in range(limits.slots // 2):
        consumer.pod.bulkhead.acquire("bistro", number, now - 1_000)

    consumer.arrives(own=True)

    assert consumer.begun == []
    for number in range(limits.slots // 2):
        consumer.pod.bulkhead.release("bistro", number, now)
    until(lambda: consumer.begun, "it to look again")


def test_what_waits_of_a_deleted_queue_begins_as_the_lane_s_does(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    first, second = consumer.arrives(own=True), consumer.arrives(own=True)
    consumer.waiting.keep("bistro")

    assert consumer.begun == [first, second]
    assert (second.from_own_queue, second.beyond_part) == (False, True)


def test_a_message_that_cannot_be_begun_keeps_no_slot(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    consumer.arrives(own=True, fails=True)

    assert consumer.in_flight == {}
    assert consumer.arrives(own=True) in consumer.begun


def test_a_lost_channel_forgets_what_came_through_it_and_nothing_else(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    first, second, third = (consumer.arrives(own=True) for _ in range(3))
    for delivery, channel in ((first, "kept"), (second, "lost"), (third, "kept")):
        delivery.message.channel = channel
    consumer.waiting.forget_channel("lost")

    assert consumer.waiting.of_own("bistro") == 1
    consumer.ends(first)
    assert consumer.begun == [first, third]


def test_a_lost_connection_forgets_what_waits_and_nothing_that_has_begun(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    begun = [consumer.arrives(own=True), consumer.arrives()]
    for own in (True, False):
        consumer.arrives(own=own)
    assert consumer.waiting.of_own("bistro") == 1
    consumer.waiting.clear()

    for delivery in begun:
        assert consumer.waiting.has_work
        consumer.ends(delivery)
    assert (consumer.begun, consumer.waiting.has_work, consumer.waiting.of_all_own) == (begun, False, 0)


def test_what_waits_of_the_lane_is_work_that_an_ending_pod_does(consumer: Consumer) -> None:
    deliveries = [consumer.arrives() for _ in range(3)]
    for delivery in deliveries:
        assert consumer.waiting.has_work
        consumer.ends(delivery)
    assert not consumer.waiting.has_work


def test_nothing_is_remembered_of_what_began_once_no_queue_is_open(consumer: Consumer) -> None:
    consumer.waiting.configure(part(1))
    delivery = consumer.arrives(own=True)
    consumer.waiting.configure({})

    assert not consumer.waiting.in_use
    assert consumer.waiting._counted == {}
    consumer.ends(delivery)


def test_a_queue_that_closes_is_emptied_beside_the_lane(consumer: Consumer) -> None:
    consumer.waiting.configure({"bistro": PodPart("own", 1, False)})
    consumer.arrives()
    first, second = consumer.arrives(own=True), consumer.arrives(own=True)

    assert consumer.begun[1:] == [first]
    consumer.ends(first)
    assert consumer.begun[1:] == [first, second]

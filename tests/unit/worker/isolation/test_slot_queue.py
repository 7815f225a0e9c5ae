"""What waits begins when it can: never beyond a merchant's part or rate, and none waits that could begin."""

from collections import Counter
from dataclasses import dataclass, field
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from merchantroute_worker.isolation.own_queues import PodPart
from merchantroute_worker.isolation.slot_queue import SlotQueue, TokenBucket

MERCHANTS = ("bistro", "cafe", "diner")


@dataclass(frozen=True)
class Message:
    """A message; `own` says from which queue."""

    number: int
    merchant: str
    own: bool


def part(count: int, rate: float | None = None, burst: float = 1.0, *, bound: bool = True) -> PodPart:
    """A pod's part of an own queue."""
    return PodPart("own", count, bound, rate, burst)


@dataclass
class Pod:
    """A pod that begins what it is given."""

    queue: SlotQueue[Message]
    begun: list[Message] = field(default_factory=list)
    takes_none: dict[str, float] = field(default_factory=dict)

    def add(self, *messages: Message) -> None:
        """Let messages arrive."""
        for message in messages:
            self.queue.add(message, message.merchant if message.own else None)

    def begin(self, now: float = 0.0) -> list[Message]:
        """Begin all that can begin now; gives them."""
        fresh: list[Message] = []
        while message := self.queue.next(len(self.begun), now, lambda one: self.takes_none.get(one.merchant, 0.0)):
            if not message.own:
                self.queue.begins_from_lane(message.merchant, now)
            self.begun.append(message)
            fresh.append(message)
        return fresh

    def end(self, message: Message) -> None:
        """End one that has begun."""
        self.begun.remove(message)
        self.queue.ended(message.merchant, from_own=message.own)


def pod(slots: int = 10, **parts: PodPart) -> Pod:
    """A pod with these parts of own queues."""
    made = Pod(SlotQueue(slots))
    made.queue.configure(parts, {}, 0.0)
    return made


def own(merchant: str, count: int) -> list[Message]:
    """So many messages of a merchant's own queue."""
    return [Message(number, merchant, own=True) for number in range(count)]


def lane(merchant: str, count: int) -> list[Message]:
    """So many messages of a merchant that come through the lane."""
    return [Message(number, merchant, own=False) for number in range(count)]


def test_as_many_begin_as_the_part_has_and_the_next_when_one_ends() -> None:
    world = pod(bistro=part(2))
    world.add(*own("bistro", 5))

    first = world.begin()
    assert (len(first), world.queue.waiting_of("bistro")) == (2, 3)
    world.end(first[0])
    assert [message.number for message in world.begin()] == [2]


def test_orders_of_the_merchant_from_the_lane_are_in_flight_too() -> None:
    world = pod(bistro=part(2))
    world.add(*lane("bistro", 1))
    world.begin()
    world.add(*own("bistro", 2))

    assert len(world.begin()) == 1


def test_what_was_in_flight_when_the_queue_was_opened_counts() -> None:
    world = pod()
    world.queue.configure({"bistro": part(2)}, {"bistro": 2}, 0.0)
    world.add(*own("bistro", 1))
    assert world.begin() == []

    world.queue.ended("bistro", from_own=False)
    assert len(world.begin()) == 1


def test_a_lower_part_holds_at_once_and_a_higher_one_lets_more_begin() -> None:
    world = pod(bistro=part(3))
    world.add(*own("bistro", 9))
    first = world.begin()
    world.queue.configure({"bistro": part(1)}, {}, 0.0)

    for message in first[:2]:
        world.end(message)
        assert world.begin() == []
    world.queue.configure({"bistro": part(5)}, {}, 0.0)
    assert len(world.begin()) == 4


def test_the_lane_and_own_queues_take_turns_while_slots_are_scarce() -> None:
    world = pod(1, bistro=part(9), cafe=part(9))
    world.add(*own("bistro", 9), *own("cafe", 9), *lane("diner", 9))

    order = []
    for _ in range(8):
        (message,) = world.begin()
        order.append(message.own)
        world.end(message)
    assert order == [True, False] * 4


def test_of_own_queues_the_one_with_fewest_in_flight_is_first() -> None:
    world = pod(5, bistro=part(9), cafe=part(9))
    world.add(*own("bistro", 3))
    world.begin()
    world.add(*own("bistro", 3), *own("cafe", 3))

    assert [message.merchant for message in world.begin()] == ["cafe", "cafe"]


@pytest.mark.parametrize(("bound", "runs"), [(True, [True, False]), (False, [True, True])])
def test_what_comes_through_the_lane_beyond_the_part_is_for_the_own_queue_once_that_is_bound(
    bound: bool, runs: list[bool]
) -> None:
    world = pod(bistro=part(1, bound=bound))

    assert [world.queue.begins_from_lane("bistro", 0.0, led_on=False) for _ in runs] == runs
    assert world.queue.in_flight_of("bistro") == 2
    assert world.queue.begins_from_lane("cafe", 0.0)


@pytest.mark.parametrize("bound", [True, False])
def test_what_the_router_leads_on_leaves_the_part_to_the_own_queue(bound: bool) -> None:
    world = pod(bistro=part(9, rate=1.0, bound=bound))

    assert world.queue.begins_from_lane("bistro", 0.0) is not bound
    world.queue.ended("bistro", from_own=False)
    world.add(*own("bistro", 1))
    assert len(world.begin()) == 1, "the token is there"


def test_what_goes_on_from_the_lane_uses_up_no_turn_for_as_many_in_a_row_as_there_are_slots() -> None:
    world = pod(3, bistro=part(9))
    world.add(*lane("cafe", 2))
    world.begin()
    world.add(*own("bistro", 9), *lane("bistro", 7), *lane("diner", 1))

    turns = []
    for _ in range(11):
        (message,) = world.begin()
        turns.append(message.merchant if message.own else f"{message.merchant}, lane")
        if turns[-1] == "bistro, lane":
            world.queue.ended_without_work()
        world.end(message)
    assert turns == ["bistro", *["bistro, lane"] * 4, "bistro", *["bistro, lane"] * 3, "diner, lane", "bistro"]


def test_a_rate_lets_its_burst_begin_and_then_one_after_the_other() -> None:
    world = pod(99, bistro=part(99, rate=2.0, burst=3.0))
    world.add(*own("bistro", 20))

    assert len(world.begin(0.0)) == 3
    assert world.queue.due(0.0) == 0.5
    assert (len(world.begin(0.4)), len(world.begin(0.5)), len(world.begin(10.0))) == (0, 1, 3)


def test_a_higher_rate_is_not_waited_for_as_the_lower_one_was() -> None:
    world = pod(99, bistro=part(99, rate=0.001))
    world.add(*own("bistro", 2))
    assert len(world.begin(0.0)) == 1
    assert world.begin(1.0) == []
    world.queue.configure({"bistro": part(99)}, {}, 1.0)
    assert len(world.begin(1.0)) == 1


def test_a_merchant_that_takes_none_for_a_while_holds_up_nobody() -> None:
    world = pod(bistro=part(9), cafe=part(9))
    world.takes_none["bistro"] = 7.0
    world.add(*own("bistro", 1), *own("cafe", 1))

    assert [message.merchant for message in world.begin(1.0)] == ["cafe"]
    assert world.queue.due(1.0) == 8.0
    world.takes_none.clear()
    assert world.begin(7.9) == []
    assert [message.merchant for message in world.begin(8.0)] == ["bistro"]


def test_what_waits_of_a_queue_without_a_part_is_taken_back_and_of_no_other() -> None:
    world = pod(1, bistro=part(1), cafe=part(1))
    world.add(*own("bistro", 2), *own("cafe", 2))
    world.begin()
    world.queue.configure({"cafe": part(1)}, {}, 0.0)

    assert {message.merchant for message in world.queue.take_back()} == {"bistro"}
    assert world.queue.waiting_in_own == ["cafe"]
    assert len(world.queue.take_back(["cafe"])) == 2 - (world.begun[0].merchant == "cafe")
    assert world.queue.waiting_in_own == []


def test_what_is_cleared_is_gone_and_what_has_begun_still_counts() -> None:
    world = pod(2, bistro=part(1))
    world.add(*own("bistro", 2), *lane("diner", 5))
    world.begin()
    world.queue.clear()

    assert (world.queue.waiting_of_lane, world.queue.waiting_in_own) == (0, [])
    world.begun.clear()
    world.add(*own("bistro", 1))
    assert world.begin() == []


class AnyOrderOfEvents(RuleBasedStateMachine):
    """Whatever arrives, ends and changes: the two promises hold after each event."""

    def __init__(self) -> None:
        super().__init__()
        self.pod = pod(4)
        self.parts: dict[str, PodPart] = {}
        self.now, self.number = 0.0, 0

    @rule(merchant=st.sampled_from(MERCHANTS), from_own=st.booleans())
    def arrives(self, merchant: str, from_own: bool) -> None:
        """A message comes."""
        self.number += 1
        self.pod.add(Message(self.number, merchant, own=from_own and merchant in self.parts))
        self.begin()

    @rule(place=st.integers(0, 3))
    def ends(self, place: int) -> None:
        """An order ends."""
        if place < len(self.pod.begun):
            self.pod.end(self.pod.begun[place])
            self.begin()

    @rule(
        parts=st.dictionaries(
            st.sampled_from(MERCHANTS), st.builds(part, st.integers(0, 3), st.sampled_from([None, 1.0, 8.0]))
        )
    )
    def changes(self, parts: dict[str, PodPart]) -> None:
        """The configuration changes."""
        fresh = Counter(message.merchant for message in self.pod.begun if not self.pod.queue.counts(message.merchant))
        self.pod.queue.configure(parts, fresh, self.now)
        self.parts = parts
        self.pod.queue.take_back()
        self.begin()

    @rule(seconds=st.floats(0.05, 3.0))
    def passes(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self.begin()

    def begin(self) -> None:
        """Begin what can; no own queue's order beyond its part."""
        for message in self.pod.begin(self.now):
            if message.own:
                in_flight = sum(one.merchant == message.merchant for one in self.pod.begun)
                assert in_flight <= self.parts[message.merchant].part

    @invariant()
    def counted(self) -> None:
        """What has begun is counted, and in its slots."""
        assert len(self.pod.begun) <= 4
        for merchant in self.parts:
            in_flight = sum(one.merchant == merchant for one in self.pod.begun)
            assert self.pod.queue.in_flight_of(merchant) == in_flight

    @invariant()
    def none_waits_that_could_begin(self) -> None:
        """With a free slot only own queues' orders wait, and those for their part or a token that falls due."""
        if len(self.pod.begun) == 4:
            return
        assert self.pod.queue.waiting_of_lane == 0
        due = self.pod.queue.due(self.now)
        for merchant in self.pod.queue.waiting_in_own:
            below = self.pod.queue.in_flight_of(merchant) < self.parts[merchant].part
            assert not below or (self.parts[merchant].rate is not None and due is not None and due > self.now)


TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase


@given(
    rate=st.floats(0.1, 50.0),
    burst=st.floats(1.0, 20.0),
    gaps=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=60),
)
def test_no_more_begin_than_burst_and_rate_allow(rate: float, burst: float, gaps: list[float]) -> None:
    bucket, now, taken = TokenBucket(rate, burst, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        while bucket.wait(now) == 0:
            bucket.take()
            taken += 1
        assert taken <= floor(burst + rate * now + 1e-6)
    assert bucket.wait(now + bucket.wait(now)) == 0


def test_another_rate_gives_no_tokens_away() -> None:
    bucket = TokenBucket(10.0, 5.0, 0.0)
    for _ in range(5):
        bucket.take()
    bucket.change(1.0, 9.0, 0.0)
    assert bucket.wait(0.0) == 1.0
    bucket.change(None, 1.0, 0.0)
    assert bucket.wait(0.0) == 0.0
    bucket.change(1.0, 2.0, 5.0)
    assert bucket.wait(5.0) == 0.0


def test_what_is_left_in_a_queue_that_closes_begins_beside_a_merchant_that_is_always_busy_in_the_lane() -> None:
    world = pod(10, bistro=part(1, bound=False))
    world.add(*lane("bistro", 4))
    world.begin()
    first, second = own("bistro", 2)
    world.add(first, second)

    assert world.begin() == [first], "as many as the part has"
    world.end(first)
    assert world.begin() == [second]


def test_times_in_any_order_give_no_more_tokens_than_the_latest() -> None:
    bucket, taken, times = TokenBucket(2.0, 1.0, 0.0), 0, [1.0, 0.25] * 20
    for now in times:
        while bucket.wait(now) == 0:
            bucket.take()
            taken += 1

    assert taken <= floor(1.0 + 2.0 * max(times) + 1e-6)


def test_a_part_that_goes_and_comes_back_brings_no_tokens() -> None:
    world = pod(99, bistro=part(9, rate=0.1))
    world.add(*own("bistro", 9))
    assert len(world.begin(0.0)) == 1

    for now in range(1, 10):
        world.queue.configure({"bistro": part(0)}, {}, now - 0.5)
        world.queue.configure({"bistro": part(9, rate=0.1)}, {}, float(now))
        assert world.begin(float(now)) == []
    assert world.begin(14.0) == [], "others had the rate for half of the time"
    assert len(world.begin(14.5)) == 1

"""The merchants of a group with limits have no more in flight in a pod than the group's part, and take turns."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_worker.isolation.own_queues import PodPart
from merchantroute_worker.isolation.pod_parts import GroupPart
from tests.unit.worker.isolation.test_slot_queue import Message, Pod, lane, own, pod

MERCHANTS = ("bistro", "cafe", "diner", "eatery")


def member(
    part: int, group: int, *, rate: float | None = None, burst: float = 1.0, bound: bool = True,
    own_rate: float | None = None,
) -> PodPart:  # fmt: skip
    """A pod's part of a merchant whose group has limits."""
    return PodPart("own", min(part, group), bound, own_rate, 1.0, 0.0, GroupPart("vendor", group, rate, burst))


def vendor(count: int = 4, slots: int = 50, **limits: float) -> Pod:
    """A pod with so many merchants of one group, of each of which it could have three in flight."""
    return pod(slots, **{name: member(3, **limits) for name in MERCHANTS[:count]})  # type: ignore[arg-type]


def test_all_of_a_group_have_no_more_in_flight_than_its_part() -> None:
    world = vendor(group=4)
    world.add(*(message for name in MERCHANTS for message in own(name, 5)))

    begun = world.begin()

    assert Counter(message.merchant for message in begun) == dict.fromkeys(MERCHANTS, 1)
    world.end(begun[0])
    assert len(world.begin()) == 1


def test_who_is_alone_with_orders_has_as_much_as_its_own_part() -> None:
    world = vendor(group=4)
    world.add(*own("diner", 9))

    assert len(world.begin()) == 3


def test_merchants_of_a_group_with_one_order_at_a_time_take_turns() -> None:
    world = vendor(group=1)
    world.add(*(message for name in MERCHANTS for message in own(name, 3)))

    order = []
    for _ in range(12):
        (message,) = world.begin()
        order.append(message.merchant)
        world.end(message)

    assert order[:4] == order[4:8] == order[8:]
    assert set(order[:4]) == set(MERCHANTS)


def test_a_merchant_of_another_group_does_not_wait_for_it() -> None:
    world = pod(bistro=member(3, 1), cafe=member(3, 1), diner=PodPart("own", 3, True))
    world.add(*own("bistro", 3), *own("cafe", 3), *own("diner", 3))

    assert Counter(message.merchant == "diner" for message in world.begin()) == {True: 3, False: 1}


def test_the_rate_of_a_group_is_that_of_all_of_its_merchants() -> None:
    world = vendor(group=20, rate=2.0, burst=3.0)
    world.add(*(message for name in MERCHANTS for message in own(name, 9)))

    assert len(world.begin(0.0)) == 3
    assert (len(world.begin(0.4)), len(world.begin(0.5)), len(world.begin(1.0))) == (0, 1, 1)
    assert world.queue.due(1.0) == 1.5


def test_a_merchant_s_own_rate_holds_beside_that_of_its_group() -> None:
    world = pod(bistro=member(9, 9, rate=10.0, burst=9.0, own_rate=1.0), cafe=member(9, 9, rate=10.0, burst=9.0))
    world.add(*own("bistro", 9), *own("cafe", 9))

    assert Counter(message.merchant for message in world.begin(0.0)) == {"bistro": 1, "cafe": 8}


def test_what_comes_through_the_lane_counts_as_its_group_s_and_goes_on_beyond_it() -> None:
    world = vendor(group=2)
    world.add(*lane("bistro", 1))
    world.begin()
    world.add(*own("cafe", 3))

    assert len(world.begin()) == 1
    assert not world.queue.begins_from_lane("diner", 0.0, led_on=False)


def test_orders_of_a_queue_that_closes_count_and_what_the_lane_has_of_it_does_not() -> None:
    parts = {"bistro": member(3, 2, bound=False), "cafe": member(3, 2)}
    world = pod(10, **parts)
    world.add(*lane("bistro", 5))
    world.begin()
    world.add(*own("bistro", 2), *own("cafe", 1))

    assert {message.merchant for message in world.begin()} == {"bistro", "cafe"}
    world.queue.configure({**parts, "bistro": member(3, 2)}, {}, 0.0)
    world.add(*own("cafe", 1))
    world.end(next(message for message in world.begun if message.merchant == "cafe"))
    assert world.begin() == [], "it is led to again, and all of its orders count"


def test_who_loses_its_part_still_counts_and_a_lower_part_of_the_group_holds_at_once() -> None:
    world = vendor(2, group=3)
    world.add(*own("bistro", 3))
    begun = world.begin()
    world.queue.configure({"bistro": member(0, 3), "cafe": member(3, 3)}, {}, 0.0)
    world.add(*own("cafe", 3))

    assert world.begin() == []
    world.queue.configure({"bistro": member(0, 1), "cafe": member(1, 1)}, {}, 0.0)
    for message in begun[:2]:
        world.end(message)
        assert world.begin() == []
    world.end(begun[2])
    assert len(world.begin()) == 1


def test_a_part_of_a_group_that_goes_and_comes_back_brings_no_tokens() -> None:
    parts = {"bistro": member(9, 9, rate=0.1)}
    world = pod(10, **parts)
    world.add(*own("bistro", 9))
    assert len(world.begin(0.0)) == 1

    for now in range(1, 9):
        world.queue.configure({"bistro": member(0, 0)}, {}, now - 0.5)
        world.queue.configure(parts, {}, float(now))
        assert world.begin(float(now)) == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from(MERCHANTS), st.booleans()),
        st.tuples(st.just("end"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("group"), st.integers(0, 5), st.sampled_from([None, 1.0, 4.0])),
        st.tuples(st.just("wait"), st.floats(0.05, 2.0), st.just(0)),
        st.tuples(st.just("part"), st.sampled_from(MERCHANTS), st.integers(0, 4)),
    ),
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_whatever_happens_no_own_queue_s_order_begins_beyond_the_group_and_none_waits_that_could(
    steps: list[tuple[str, str | int | float, bool | int | float | None]],
) -> None:
    shares, group, rate, now = dict.fromkeys(MERCHANTS, 2), 3, None, 0.0
    world = vendor(group=group)
    for number, (kind, what, more) in enumerate(steps):
        if kind == "come":
            world.add(Message(number, str(what), own=bool(more)))
        elif kind == "end" and int(what) < len(world.begun):
            world.end(world.begun[int(what)])
        elif kind == "wait":
            now += float(what)
        elif kind == "part":
            shares[str(what)] = int(more or 0)
        elif kind == "group":
            group, rate = int(what), more
        if kind in {"part", "group"}:
            world.queue.configure({name: member(share, group, rate=rate) for name, share in shares.items()}, {}, now)
        for message in world.begin(now):
            assert not message.own or world.begun.index(message) < group
        free = len(world.begun) < min(group, 50)
        due = world.queue.due(now)
        for name in world.queue.waiting_in_own:
            could = free and world.queue.in_flight_of(name) < min(shares[name], group)
            assert not could or (rate is not None and due is not None and due > now)

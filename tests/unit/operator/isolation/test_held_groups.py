"""A group that is held by hand: no order of its merchants begins, and when that ends they have one share together."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.closing import HOLD, UNPROVEN
from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures, Policy, Waiting
from tests.unit.operator.isolation.fleet_samples import EPOCH, Report, Route, well
from tests.unit.operator.isolation.test_failing_groups import HOST, QUIET, at, recover, shares, vendor

FOR = 600.0


def held(route: Route, group: str = HOST) -> Route:
    """The route with the group held from now on, for ten minutes."""
    end = EPOCH + route.now + FOR
    route.policy = replace(route.policy, held_groups={group: end})
    route.ticks(4, *[QUIET] * 4)
    return route


def released(route: Route, waiting: int = 500) -> Route:
    """The route when that is over, with so many orders of each."""
    route.waiting = {name: Waiting(waiting, 0) for name in route.queues}
    route.policy = replace(route.policy, held_groups={})
    route.groups = {}
    route.tick(*[QUIET] * 4)
    return route


def test_all_merchants_of_a_group_that_is_held_have_a_queue_and_no_slot() -> None:
    route = held(vendor(5, Policy(exempt=frozenset({"m1"})), more=tuple(at("other.example", "other"))))

    assert sorted(route.queues) == ["m0", "m1", "m2", "m3", "m4"]
    assert {(queue.why, queue.share) for queue in route.queues.values()} == {("Held", 0)}
    assert route.told(told.GROUP_HELD) == [f"{HOST}: held by hand; no order of its merchants begins until that ends"]
    route.ticks(UNPROVEN + 60, *[QUIET] * 4)
    assert len(route.queues) == 5


def test_who_the_route_does_not_list_is_held_when_pods_see_it() -> None:
    route = Route()
    route.member_of = RouteGroups((), f"https://{HOST}/{{merchant}}")
    route.tick(*[well("guest", in_flight=1)] * 4)
    held(route)
    route.tick(*[well("guest", in_flight=1)] * 4)

    assert {name: queue.why for name, queue in route.queues.items()} == {"guest": "Held"}


def test_when_it_ends_they_have_one_at_a_time_together_and_more_with_each_success() -> None:
    route = released(held(vendor(5)))

    assert (shares(route), len(route.queues)) == (1, 5)
    assert route.told(told.GROUP_RELEASED) == [
        f"{HOST}: not held by hand any more; 5 have one at a time together, and more with each success"
    ]
    grown = recover(route, 20)
    assert grown[0] <= 4
    assert all(later <= 4 * before for before, later in pairwise(grown))
    assert grown[-1] > 50
    assert route.memory.groups == {}
    assert route.told(told.GROUP_IS_WELL)
    assert not route.told(told.GROUP_FAILS)
    route.waiting = {}
    route.ticks(HOLD + 6, *[QUIET] * 4)
    assert route.queues == {}


def test_the_end_that_was_given_is_the_end() -> None:
    route = held(vendor(3))
    route.waiting = {name: Waiting(9, 0) for name in route.queues}

    route.ticks(FOR - 10, *[QUIET] * 4)
    assert shares(route) == 0
    route.ticks(10, *[QUIET] * 4)
    assert shares(route) == 1


def test_an_operator_that_starts_meanwhile_or_afterwards_goes_on() -> None:
    route = held(vendor(4))
    route.restart()
    route.tick(*[QUIET] * 4)
    assert {(queue.why, queue.share) for queue in route.queues.values()} == {("Held", 0)}

    route.restart()
    released(route)

    assert (shares(route), {queue.why for queue in route.queues.values()}) == (1, {"Held"})
    assert {past.released for past in route.memory.groups.values()} == {True}


def test_a_merchant_that_is_held_for_longer_by_itself_is_left_out_of_the_share() -> None:
    route = vendor(3, Policy(held={"m0": EPOCH + 10_000.0}))
    held(route)
    released(route)

    assert route.queues["m0"].share == 0
    assert shares(route) == 1


def test_a_host_that_fails_after_it_was_held_is_told_by_that() -> None:
    route = released(held(vendor(5)))
    route.groups = {HOST: GroupFigures(5, 3)}
    slow: Report = {name: MerchantFigures(name, 1, slow=True, group=HOST) for name in ("m0", "m1", "m2")}

    route.ticks(10, *[slow] * 4)

    assert (shares(route), route.queues["m3"].why) == (1, "Slow")


def test_where_nobody_has_orders_then_the_queues_go() -> None:
    route = released(held(vendor(4)), waiting=0)

    route.ticks(UNPROVEN + HOLD + 60, *[QUIET] * 4)

    assert (route.queues, route.memory.groups) == ({}, {})


def test_a_dry_run_tells_of_it_and_holds_nobody() -> None:
    route = held(vendor(4, Policy(mode="DryRun")))

    assert route.queues == {}
    assert route.told(told.GROUP_HELD)[0].startswith(f"Dry run, nothing is changed: {HOST}: ")


HISTORY = st.lists(
    st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 5), st.booleans()), min_size=1, max_size=40
)  # whether it is held, orders that wait of each, successes since the last tick, whether the operator starts anew


@settings(max_examples=60, deadline=None)
@given(HISTORY)
def test_over_many_ticks_nobody_has_a_slot_while_it_is_held_and_somebody_when_it_is_not(
    history: list[tuple[bool, int, int, bool]],
) -> None:
    route, done = vendor(4), 0
    for is_held, waiting, more, restarts in history:
        if restarts:
            route.restart()
        route.policy = replace(route.policy, held_groups={HOST: EPOCH + 1e6} if is_held else {})
        route.waiting, done = {name: Waiting(waiting, 0) for name in route.queues}, done + more
        route.tick(well("m0", succeeded=done), QUIET, QUIET, QUIET)
        assert not is_held or shares(route) == 0
        assert is_held or not route.queues or shares(route) > 0
        assert all(shares(route) <= past.share for past in route.memory.groups.values())

"""A host that fails as a whole: all of its merchants are isolated at once, and have one order at a time together."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.closing import HOLD, UNPROVEN
from merchantroute_operator.isolation.groups.route_groups import RouteGroups, host_of
from merchantroute_operator.isolation.groups.sharing import TURN
from merchantroute_operator.isolation.history import Memory
from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures, MerchantLimits, Policy, Waiting
from merchantroute_operator.reconcile.state.own.own_memory import share_now
from merchantroute_operator.spec.endpoint import host_and_port
from merchantroute_operator.spec.route import Merchant
from tests.unit.operator.isolation.fleet_samples import EPOCH, TIER, Report, Route, well

HOST = "pos.vendor.example"
QUIET: Report = {}


def at(host: str, *merchants: str, tier: str = TIER, group: str | None = None) -> list[Merchant]:
    """Merchants whose API is at a host."""
    return [Merchant(name, tier, f"https://{host}/{name}", None, group=group) for name in merchants]


def slow(*merchants: str, in_flight: int = 1) -> dict[str, MerchantFigures]:
    """A pod's report of merchants of the host that hang."""
    return {name: MerchantFigures(name, in_flight, slow=True, group=HOST) for name in merchants}


def vendor(count: int = 8, policy: Policy | None = None, *, more: tuple[Merchant, ...] = (), well: int = 0) -> Route:
    """A route with so many merchants at the host, of which pods say that three are slow and so many well."""
    merchants = [*at(HOST, *(f"m{number}" for number in range(count))), *more]
    route = Route(policy or Policy(), active=30, groups={HOST: GroupFigures(count, 3, well)}, slow=3)
    route.merchants = {merchant.id: merchant.tier for merchant in merchants}
    route.member_of = RouteGroups(merchants, None)
    route.tick(*[QUIET] * 4)
    return route


def failing(count: int = 5, policy: Policy | None = None) -> Route:
    """A host that fails, with all of its merchants isolated."""
    route = vendor(count, policy)
    route.tick(*[slow("m0", "m1", "m2")] * 4)
    assert len(route.queues) == count
    return route


def shares(route: Route) -> int:
    return sum(queue.share for queue in route.queues.values())


def test_all_merchants_of_a_host_that_fails_are_isolated_with_one_order_at_a_time_together() -> None:
    route = vendor(5, more=(*at(HOST, "elsewhere", tier="silver"), *at("other.example", "other")))

    decision = route.tick(*[slow("m0", "m1", "m2")] * 4)

    assert sorted(decision.queues) == ["m0", "m1", "m2", "m3", "m4"]
    assert {queue.why for queue in decision.queues.values()} == {"Slow"}
    assert sorted(queue.share for queue in decision.queues.values()) == [0, 0, 0, 0, 1]
    assert {queue.rate for queue in decision.queues.values()} == {1.0}
    assert route.told(told.GROUP_FAILS) == [
        f"{HOST}: several merchants are slow and no call succeeds there; 5 have one at a time together"
    ]
    assert f"m3: {HOST} fails, where its API is; " in " ".join(route.told(told.ISOLATED))


@pytest.mark.parametrize(
    ("slow_ones", "active", "well_ones", "pods", "fails"),
    [
        (3, 5, 0, 4, True),
        (2, 3, 0, 4, False),  # two may have troubles of their own
        (3, 5, 1, 4, False),  # a call succeeds
        (3, 7, 0, 4, False),  # less than half
        (10, 100, 0, 4, True),  # enough, however many there are
        (3, 5, 0, 1, False),  # one pod of four says so
        (3, 5, 0, 2, True),
    ],
)
def test_a_host_fails_where_several_are_slow_and_nobody_is_well(
    slow_ones: int, active: int, well_ones: int, pods: int, fails: bool
) -> None:
    route = vendor(20)
    route.groups = {HOST: GroupFigures(active, slow_ones, well_ones)}
    names = [f"m{number}" for number in range(slow_ones)]

    route.tick(*[slow(*names)] * pods, *[QUIET] * (4 - pods))

    assert ("m19" in route.queues) == fails


def test_merchants_that_were_slow_before_anothers_success_have_troubles_of_their_own() -> None:
    route = vendor(5, well=1)
    hung = slow("m0", "m1", "m2")
    route.ticks(20, *[hung] * 4)
    route.groups = {HOST: GroupFigures(5, 3, 0)}

    route.ticks(200, *[hung] * 4)

    assert sorted(route.queues) == ["m0", "m1", "m2"]
    assert shares(route) == 3


def test_an_operator_that_starts_knows_of_no_success_and_takes_no_old_slowness_for_a_hosts() -> None:
    route = vendor(5)
    route.memory = Memory()

    route.ticks(60, *[slow("m0", "m1", "m2")] * 4)

    assert sorted(route.queues) == ["m0", "m1", "m2"]


def test_a_merchant_with_few_orders_at_a_host_where_others_hang_waits_for_them_once() -> None:
    route = failing()
    route.waiting = {**{name: Waiting(9, 1) for name in ("m0", "m1", "m2")}, "m3": Waiting(1, 0)}
    route.tick(*[slow("m0", "m1", "m2")] * 4)
    assert route.queues["m3"].share == 1

    done = 0
    for tick in range(100):
        answers = tick in (0, 1, 40, 70)
        done += answers
        route.groups = {HOST: GroupFigures(5, 3, int(answers))}
        route.waiting["m3"] = Waiting(0, 0)
        hung = {name: slow(name, in_flight=route.queues[name].share)[name] for name in ("m0", "m1", "m2")}
        route.tick(hung | well("m3", succeeded=done), QUIET, QUIET, QUIET)
        if tick > 20:
            assert all(queue.share == 1 for name, queue in route.queues.items() if name in hung)

    assert route.memory.groups == {}
    assert len(route.told(told.GROUP_FAILS)) == 1


def test_a_success_that_no_pod_counts_with_its_group_counts_all_the_same() -> None:
    route = failing()
    route.waiting = {name: Waiting(9, 0) for name in ("m0", "m1", "m2")}
    for tick in range(60):
        hung = {name: replace(each, failed=tick // 3) for name, each in slow("m0", "m1", "m2").items()}
        route.tick(hung | well("m3", succeeded=tick // 5), *[hung] * 3)

    assert (route.memory.groups, len(route.told(told.GROUP_FAILS))) == ({}, 1)


def test_each_pod_may_see_another_merchant_of_it_hang() -> None:
    route = vendor(5)

    route.tick(slow("m0"), slow("m1"), slow("m2"), QUIET)

    assert len(route.queues) == 5


def test_a_group_that_is_written_fails_as_a_whole_whatever_the_hosts() -> None:
    merchants = [*at("a.example", "m0", "m1", group=HOST), *at("b.example", "m2", "m3", group=HOST)]
    route = vendor(0, more=tuple(merchants))

    route.tick(*[slow("m0", "m1", "m2")] * 4)

    assert len(route.queues) == 4


def test_those_that_have_orders_take_turns() -> None:
    route = failing()
    route.waiting = {f"m{number}": Waiting(100, 0) for number in range(4)}
    tried = set()
    for _ in range(40):
        route.ticks(TURN, *[QUIET] * 4)
        tried |= {name for name, queue in route.queues.items() if queue.share}
        assert shares(route) == 1

    assert tried == {"m0", "m1", "m2", "m3"}


def recover(route: Route, seconds: float, *, bad: str = "") -> list[int]:
    """What they have together, tick by tick, while what may begin succeeds, but for one merchant's orders."""
    done = dict.fromkeys(route.queues, 0)
    found = []
    end = route.now + seconds
    while route.now < end:
        report: dict[str, MerchantFigures] = {}
        for name, queue in route.queues.items():
            done[name] += queue.share if name != bad else 0
            report |= (
                slow(name) if name == bad and queue.share else well(name, in_flight=queue.share, succeeded=done[name])
            )
        route.groups = {HOST: GroupFigures(5, 0, 5)}
        route.tick(report, QUIET, QUIET, QUIET)
        found.append(shares(route))
    return found


def test_what_they_have_together_grows_by_the_successes_of_any_until_each_has_its_own() -> None:
    route = failing()
    route.waiting = {name: Waiting(500, 1) for name in route.queues}

    grown = recover(route, 20)

    assert grown[0] == 4
    assert all(later <= 4 * before for before, later in pairwise(grown))
    assert grown[-1] > 50
    assert route.memory.groups == {}
    assert route.told(told.GROUP_IS_WELL) == [f"{HOST}: calls succeed; each of 5 merchants has its own share again"]


def test_one_merchant_that_is_slow_by_itself_does_not_keep_the_others() -> None:
    route = failing()
    route.waiting = {name: Waiting(500, 1) for name in route.queues}

    grown = recover(route, 120, bad="m3")

    assert grown[-1] > 50
    assert route.queues["m3"].share == 1


def test_own_queues_of_a_host_that_is_well_again_are_closed_after_calm() -> None:
    route = failing()
    route.waiting = {"m0": Waiting(3, 1)}
    recover(route, 6)
    route.waiting = {}
    assert route.memory.groups == {}

    route.ticks(HOLD + 6, *[QUIET] * 4)

    assert route.queues == {}


def test_a_host_without_any_orders_is_believed_to_be_well_after_a_while() -> None:
    route = failing()
    route.groups = {}

    route.ticks(UNPROVEN - 30, *[QUIET] * 4)
    assert len(route.queues) == 5
    route.ticks(60 + HOLD, *[QUIET] * 4)

    assert (route.queues, route.memory.groups) == ({}, {})
    assert route.told(told.GROUP_IS_WELL)[0].startswith(f"{HOST}: nobody has had orders for a while; ")


def test_an_operator_that_starts_meanwhile_goes_on_with_one_at_a_time() -> None:
    route = failing()
    route.memory, route.groups = Memory(), {}
    route.waiting = {name: Waiting(9, 0) for name in route.queues}

    route.tick(*[QUIET] * 4)

    assert (len(route.queues), shares(route)) == (5, 1)


def test_frozen_isolation_changes_nothing_of_it() -> None:
    route = failing()
    route.groups = {f"{host}.example": GroupFigures(9, 9) for host in "abcdefgh"}
    everybody = {f"{host}0": MerchantFigures(f"{host}0", 1, slow=True, group=f"{host}.example") for host in "abcdefgh"}
    route.active, route.slow = 72, 72

    decision = route.ticks(100, *[everybody] * 4)

    assert decision.frozen is not None
    assert (len(route.queues), shares(route)) == (5, 1)


def test_held_exempt_and_limited_merchants_of_it() -> None:
    policy = Policy(
        held={"m0": EPOCH + 10_000.0},
        exempt=frozenset({"m1"}),
        limits={"m2": MerchantLimits(max_in_flight=5, max_rate=0.5)},
    )
    route = vendor(5, policy)
    route.tick(*[slow("m2", "m3", "m4")] * 4)

    assert sorted(route.queues) == ["m0", "m2", "m3", "m4"]
    assert [route.queues[name].why for name in ("m0", "m2", "m3")] == ["Held", "Slow", "Slow"]
    assert (shares(route), route.queues["m0"].share, route.queues["m2"].rate) == (1, 0, 0.5)


def test_a_host_of_more_merchants_than_there_is_room_for_leaves_room_to_others() -> None:
    route = vendor(300, Policy(max_own_queues=20))
    flood = well("flood", in_flight=20)
    route.groups = {HOST: GroupFigures(5, 3)}
    route.tick(*[slow("m0", "m1", "m2") | flood] * 4)
    assert len(route.queues) == 20

    floods = [well("flood", in_flight=20, refused=200 * count) for count in range(1, 6)]
    *_, decision = [route.tick(*[slow("m0", "m1", "m2") | flood] * 4) for flood in floods]

    assert {"m0", "m1", "m2", "flood"} <= route.queues.keys()
    assert len(decision.queues) <= 20
    assert decision.without_room > 0


def test_a_dry_run_tells_of_it_and_opens_nothing() -> None:
    route = vendor(5, Policy(mode="DryRun"))

    decision = route.tick(*[slow("m0", "m1", "m2")] * 4)

    assert (route.queues, len(decision.would)) == ({}, 5)
    assert route.told(told.GROUP_FAILS)[0].startswith(f"Dry run, nothing is changed: {HOST}: ")


MEMBERS = tuple(f"m{number}" for number in range(6))
STATES = st.dictionaries(
    st.sampled_from(MEMBERS),
    st.builds(
        MerchantFigures,
        st.just(""),
        in_flight=st.integers(0, 9),
        slow=st.booleans(),
        refused=st.integers(0, 500),
        succeeded=st.integers(0, 500),
        failed=st.integers(0, 50),
        group=st.sampled_from(("", HOST)),
    ),
).map(lambda found: {name: replace(figures, merchant=name) for name, figures in found.items()})
TICKS = st.tuples(
    st.lists(STATES, min_size=1, max_size=3),
    st.integers(0, 2),
    st.dictionaries(st.sampled_from(MEMBERS), st.builds(Waiting, st.integers(0, 50), st.integers(0, 9))),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(TICKS, min_size=1, max_size=30))
def test_members_never_have_more_together_than_their_group(
    history: list[tuple[list[dict[str, MerchantFigures]], int, Mapping[str, Waiting]]],
) -> None:
    route = vendor(6)
    for reports, well_ones, waiting in history:
        route.groups, route.waiting = {HOST: GroupFigures(6, 3, well_ones)}, dict(waiting)
        route.tick(*reports)
        for past in route.memory.groups.values():
            assert past.share >= 1
            assert shares(route) <= past.share
            assert shares(route) > 0 or not route.queues


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://POS.Vendor.example/v1/{merchant}", "pos.vendor.example"),
        ("https://pos.vendor.example:8443", "pos.vendor.example"),
        ("http://[2001:DB8::1]:8080/v1", "2001:db8::1"),
        ("http://10.0.0.1:81", "10.0.0.1"),
    ],
)
def test_the_host_is_that_which_is_called(endpoint: str, host: str) -> None:
    assert host_of(endpoint) == host_and_port(endpoint)[0] == host


def test_who_is_not_listed_is_at_the_default_endpoint() -> None:
    groups = RouteGroups(at("a.example.", "m"), "https://gate.example/{merchant}")

    assert (groups.of("m"), groups.of("unknown")) == ("a.example", "gate.example")
    assert (groups.members("a.example"), groups.members("gate.example")) == (["m"], ())


def test_a_member_that_is_not_slow_has_a_share_again_when_its_host_is_well_although_the_lanes_orders_wait() -> None:
    route = failing(policy=Policy(pinned=frozenset({"m3", "m4"})))
    route.waiting = {name: Waiting(500, 1) for name in route.queues}
    route.backlog = 1_000

    recover(route, 20)

    assert route.memory.groups == {}
    assert all(queue.share > 0 for queue in route.queues.values())


def test_queues_of_it_that_close_are_emptied_in_turns_with_the_others() -> None:
    route = failing(6)
    route.policy = Policy(max_own_queues=2)
    queues = dict(route.queues)
    tried = set()
    for _ in range(60):
        route.queues, route.waiting = queues, {name: Waiting(9, 0) for name in queues}
        decision = route.ticks(0, *[QUIET] * 4)
        queues = dict(decision.queues)
        assert sum(share_now(queue) for queue in queues.values()) == 1
        tried |= {name for name, queue in queues.items() if queue.share}
        route.now += TURN

    assert [queue.stage for queue in queues.values()].count("Closing") == 4
    assert tried == queues.keys()

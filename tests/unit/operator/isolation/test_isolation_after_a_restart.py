"""An operator that starts goes on by the route's status as the one before it would have."""

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.model import MerchantFigures, MerchantLimits, Policy, Waiting
from tests.unit.operator.isolation.fleet_samples import EPOCH, Route, isolated, limiting
from tests.unit.operator.isolation.test_failing_groups import HOST, at, failing, recover, shares

QUIET: dict[str, MerchantFigures] = {}
EVERYBODY = {f"m{number}": MerchantFigures(f"m{number}", 1, slow=True) for number in range(8)}


def answering_429(policy: Policy) -> Route:
    """A route with a merchant for which a rate was found, and that has just asked for 100 s."""
    route = Route(policy)
    route.tick(QUIET, QUIET)
    for tick in range(1, 12):
        route.tick(*[limiting("busy", 3 * tick, in_flight=1, succeeded=2 * tick)] * 2)
    route.tick(*[limiting("busy", 36, in_flight=1, succeeded=24, paused_for=100.0)] * 2)
    queue = route.queues["busy"]
    assert queue.rate is not None
    assert (queue.found, queue.rate < 2.0, queue.paused_until > EPOCH + route.now + 90) == (True, True, True)
    return route


def test_a_rate_that_was_found_below_a_merchants_limit_is_kept() -> None:
    route = answering_429(Policy(limits={"busy": MerchantLimits(max_in_flight=3, max_rate=4.0, burst=2)}))
    before = route.queues["busy"]
    route.restart()

    route.ticks(20, *[limiting("busy", 36, succeeded=24)] * 2)

    after = route.queues["busy"]
    assert (after.why, after.rate, after.found, after.burst) == ("Limited", before.rate, True, 1)


def test_a_limit_is_not_taken_for_a_rate_that_was_found() -> None:
    limits = MerchantLimits(max_in_flight=3, max_rate=4.0, burst=2)
    route = Route(Policy(limits={"busy": limits}))
    route.tick(QUIET, QUIET)
    route.restart()
    route.policy = Policy(limits={"busy": MerchantLimits(max_in_flight=3, max_rate=9.0, burst=2)})

    route.tick(QUIET, QUIET)

    assert (route.queues["busy"].rate, route.queues["busy"].found) == (9.0, False)


def test_where_isolation_is_frozen_rate_and_pause_hold_as_before() -> None:
    route = answering_429(Policy())
    before = route.queues["busy"]
    route.restart()

    decision = route.ticks(20, EVERYBODY, EVERYBODY)

    after = route.queues["busy"]
    assert decision.frozen is not None
    assert (after.rate, after.found) == (before.rate, True)
    assert before.paused_until <= after.paused_until <= before.paused_until + 1


def test_a_slow_merchant_of_which_no_order_succeeded_is_still_probed_and_not_believed_to_be_well() -> None:
    route = isolated(Route())
    route.waiting["hung"] = Waiting(500, 0)
    route.restart()

    route.tick(*[QUIET] * 4)
    assert (route.queues["hung"].share, route.queues["hung"].rate) == (1, 1.0)
    route.waiting["hung"] = Waiting(0, 0)
    route.ticks(200, *[QUIET] * 4)

    assert list(route.queues) == ["hung"], "without any order nobody knows"


def test_merchants_of_a_host_that_is_about_to_be_well_have_together_what_they_had() -> None:
    route = failing()
    route.waiting = {name: Waiting(500, 1) for name in route.queues}
    assert recover(route, 2) == [4]
    before = {name: queue.share for name, queue in route.queues.items()}
    assert 0 in before.values()
    route.restart()

    route.tick(*[QUIET] * 4)
    assert shares(route) == sum(before.values())
    recover(route, 20)

    assert (route.memory.groups, len(route.told(told.GROUP_FAILS)), len(route.told(told.GROUP_IS_WELL))) == ({}, 1, 1)
    assert shares(route) > 50


def test_a_share_of_none_says_nothing_of_another_host_to_which_the_merchant_has_gone() -> None:
    route = failing()
    (gone, *_) = [name for name, queue in route.queues.items() if not queue.share]
    pinned = at("other.example", "p0", "p1", "p2")
    route.policy = Policy(pinned=frozenset({"p0", "p1", "p2"}))
    stay = [name for name in route.queues if name != gone]
    merchants = [*at(HOST, *stay), *at("other.example", gone), *pinned]
    route.merchants = {merchant.id: merchant.tier for merchant in merchants}
    route.member_of = RouteGroups(merchants, None)
    route.waiting = {name: Waiting(9, 1) for name in ("p0", "p1", "p2")}

    route.ticks(4, *[QUIET] * 4)

    assert len(route.told(told.GROUP_FAILS)) == 1
    assert all(route.queues[name].share > 1 for name in ("p0", "p1", "p2"))


def test_the_limit_of_a_merchant_that_is_well_again_is_not_taken_for_the_rate_of_probes() -> None:
    route = isolated(Route(Policy(limits={"hung": MerchantLimits(max_rate=8.0)})))
    route.waiting["hung"] = Waiting(500, 1)
    for failed in (0, 3, 6):
        route.tick({"hung": MerchantFigures("hung", 1, succeeded=1, failed=failed)}, QUIET, QUIET, QUIET)
    before = route.queues["hung"]
    assert (before.why, before.share, before.rate) == ("Slow", 1, 8.0)
    route.restart()

    route.tick(*[QUIET] * 4)

    assert route.queues["hung"].rate == 8.0

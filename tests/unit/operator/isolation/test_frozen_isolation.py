"""What goes on, and what stays as it is, while isolation is frozen, or while a tier has no pods to say anything."""

import pytest

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.closing import UNPROVEN
from merchantroute_operator.isolation.model import MerchantFigures, PodFigures, Policy, Waiting
from tests.unit.operator.isolation.fleet_samples import EPOCH, TICK, TIER, Report, Route, isolated, limiting, slow
from tests.unit.operator.isolation.test_failing_groups import failing, recover

QUIET: dict[str, MerchantFigures] = {}
EVERYBODY = {f"x{number}": MerchantFigures(f"x{number}", 1, slow=True) for number in range(8)}


@pytest.mark.parametrize("reports", [[EVERYBODY, EVERYBODY], []], ids=["frozen", "no pods"])
def test_a_rate_is_kept_while_its_orders_wait_and_nobody_can_say_for_what(reports: list[Report]) -> None:
    route = Route()
    route.tick(QUIET, QUIET)
    for tick in range(1, 8):
        route.tick(*[limiting("busy", 2 * tick, in_flight=1, succeeded=10 * tick)] * 2)
    found = route.queues["busy"].rate
    route.waiting["busy"] = Waiting(500, 0)

    route.ticks(300, *reports)
    route.tick(*[limiting("busy", 14, succeeded=70)] * 2)

    assert found is not None
    assert route.queues["busy"].rate == found


@pytest.mark.parametrize("reports", [[EVERYBODY, EVERYBODY], []], ids=["frozen", "no pods"])
def test_a_hold_that_ends_meanwhile_is_over(reports: list[Report]) -> None:
    route = Route(Policy(held={"m": EPOCH + 1_010.0}))
    route.ticks(4, QUIET, QUIET)
    route.waiting["m"] = Waiting(5, 0)
    assert route.queues["m"].share == 0

    route.ticks(20, *reports)

    assert route.queues["m"].share == 1, "with a share of 0 no pod would ever be started for it"


@pytest.mark.parametrize("pods", [4, 0])
def test_the_turn_of_a_host_that_fails_goes_to_who_has_orders_meanwhile(pods: int) -> None:
    route = failing()
    (idle,) = [name for name, queue in route.queues.items() if queue.share]
    busy = next(name for name in route.queues if name != idle)
    route.groups, route.active, route.waiting = {}, 10, {busy: Waiting(9, 0)}

    route.tick(*[EVERYBODY] * pods)

    assert [name for name in ("m0", "m1", "m2", "m3", "m4") if route.queues[name].share] == [busy]


@pytest.mark.parametrize("pods", [4, 0])
def test_a_host_that_is_about_to_be_well_is_not_well_for_that(pods: int) -> None:
    route = failing()
    route.waiting = {name: Waiting(500, 1) for name in route.queues}
    recover(route, 4)
    before = route.memory.groups
    route.groups, route.active = {}, 10

    route.ticks(20, *[EVERYBODY] * pods)

    assert route.memory.groups == before
    assert (len(route.told(told.GROUP_FAILS)), route.told(told.GROUP_IS_WELL)) == (1, [])


@pytest.mark.parametrize(("pods", "failing_still"), [(4, True), (0, False)])
def test_a_host_of_which_nobody_has_had_orders_is_believed_to_be_well_where_that_is_known(
    pods: int, failing_still: bool
) -> None:
    route = failing()
    route.groups, route.active, route.waiting = {}, 10, {}
    route.ticks(10, *[QUIET] * 4)

    route.ticks(2 * UNPROVEN, *[EVERYBODY] * pods)

    assert (bool(route.memory.groups), len(route.told(told.GROUP_IS_WELL))) == (failing_still, int(not failing_still))


def test_who_has_a_queue_loses_it_to_nobody_of_another_tier_that_is_no_worse() -> None:
    route = isolated(Route(Policy(max_own_queues=2)), "first")
    isolated(route, "second")
    route.merchants = {"third": "silver"}
    for _ in range(20):
        pods = [PodFigures(f"silver-{place}", 1, route.now + TICK, 50, 10, 12, slow("third")) for place in range(2)]
        route.elsewhere = {"silver": pods}
        route.tick(*[EVERYBODY] * 4)

    assert (list(route.memory.frozen), route.memory.without_room) == ([TIER], True)
    assert sorted(route.queues) == ["first", "second"]

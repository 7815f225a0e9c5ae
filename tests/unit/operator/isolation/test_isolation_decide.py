"""Which merchants get a queue of their own, and when it is closed again."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.closing import HOLD, LONGEST_HOLD, UNPROVEN
from merchantroute_operator.isolation.evidence import MOST_KEPT
from merchantroute_operator.isolation.history import MOST_MERCHANTS
from merchantroute_operator.isolation.model import MerchantFigures, MerchantLimits, Mode, OwnQueue, Policy, Waiting
from tests.unit.operator.isolation.fleet_samples import EPOCH, TIER, Route, isolated, slow, well

QUIET: dict[str, MerchantFigures] = {}


def test_a_share_grows_fourfold_then_doubles_and_closes_after_calm() -> None:
    route = isolated(Route())
    route.waiting["hung"] = Waiting(500, 1)
    shares = []
    for done in (1, 5, 21, 121, 241, 441):
        route.tick(well("hung", in_flight=1, succeeded=done), QUIET, QUIET, QUIET)
        shares.append(route.queues["hung"].share)

    assert shares[:3] == [4, 16, 64]
    assert shares == sorted(shares)
    assert 100 < shares[-1] <= 200

    route.waiting["hung"] = Waiting(0, 2)
    begun = route.now
    route.ticks(60, well("hung", in_flight=2, succeeded=441), QUIET, QUIET, QUIET)
    assert route.queues == {}
    assert route.times(told.RELEASED)[0] - begun >= HOLD


def test_a_slow_merchant_with_one_slot_is_probed_once_a_second_until_it_succeeds() -> None:
    route = isolated(Route(Policy(limits={"other": MerchantLimits(max_rate=0.5, burst=4)})))
    route.waiting["hung"] = Waiting(500, 1)
    probed = route.queues["hung"]

    route.tick(well("hung", in_flight=1, succeeded=1), QUIET, QUIET, QUIET)

    assert (probed.rate, probed.burst, route.queues["hung"].rate) == (1.0, 1, None)
    isolated(route, "other")
    assert (route.queues["other"].rate, route.queues["other"].burst) == (0.5, 1)


def test_a_merchant_whose_fair_share_is_one_is_not_probed_once_it_is_well() -> None:
    route = isolated(Route(busy=50, fair=0))
    route.waiting["hung"] = Waiting(500, 1)

    route.tick(*[QUIET] * 4)
    still = route.queues["hung"].rate
    route.tick(well("hung", in_flight=0, succeeded=1), QUIET, QUIET, QUIET)

    assert (still, route.queues["hung"].share, route.queues["hung"].rate) == (1.0, 1, None)


def test_failures_halve_the_share_and_slowness_is_one_again() -> None:
    route = isolated(Route())
    route.queues["hung"] = replace(route.queues["hung"], share=40)
    route.waiting["hung"] = Waiting(500, 40)
    report = {"hung": MerchantFigures("hung", 10, succeeded=10, failed=0)}
    route.tick(*[report] * 4)
    grown = route.queues["hung"].share

    route.tick(*[{"hung": MerchantFigures("hung", 10, succeeded=12, failed=5)}] * 4)
    halved = route.queues["hung"].share
    route.tick(*[{"hung": MerchantFigures("hung", 10, slow=True, succeeded=12, failed=9)}] * 4)

    assert (grown, halved, route.queues["hung"].share) == (80, 40, 1)


def test_a_merchant_without_orders_keeps_its_queue_until_it_is_believed_to_be_well() -> None:
    route = isolated(Route())

    route.ticks(UNPROVEN - 30, *[QUIET] * 4)
    assert list(route.queues) == ["hung"]
    route.ticks(60, *[QUIET] * 4)

    assert route.queues == {}


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (Policy(limits={"m": MerchantLimits(max_in_flight=8)}), "Limited"),
        (Policy(pinned=frozenset({"m"})), "Pinned"),
        (Policy(held={"m": EPOCH + 10_000.0}), "Held"),
    ],
)
def test_what_is_asked_for_by_hand_never_closes(policy: Policy, why: str) -> None:
    route = Route(policy)

    route.ticks(600, *[well("m", in_flight=1, succeeded=5)] * 4)

    assert route.queues["m"].why == why
    assert len(route.told(told.ISOLATED)) == 1


def test_a_limit_bounds_the_share_and_sets_the_rate() -> None:
    limits = MerchantLimits(max_in_flight=8, max_rate=5.0, burst=3)
    route = Route(Policy(limits={"m": limits}))

    queue = route.tick(*[well("m", in_flight=30)] * 4).queues["m"]

    assert (queue.share, queue.rate, queue.burst) == (8, 5.0, 3)


def test_a_limited_merchant_that_hangs_has_one_slot() -> None:
    route = isolated(Route(Policy(limits={"hung": MerchantLimits(max_in_flight=8)})))

    assert (route.queues["hung"].share, route.queues["hung"].why) == (1, "Slow")


def test_a_held_merchant_has_no_share_and_is_released_at_a_pace() -> None:
    route = Route(Policy(held={"m": EPOCH + 1_100.0}))
    route.ticks(90, *[well("m")] * 4)
    assert route.queues["m"].share == 0

    route.waiting["m"] = Waiting(300, 0)
    route.ticks(20, *[well("m")] * 4)

    assert (route.queues["m"].share, route.queues["m"].stage) == (1, "Open")


def test_an_exempt_merchant_gets_none_by_figures() -> None:
    route = Route(Policy(exempt=frozenset({"hung"})))
    route.tick(*[QUIET] * 4)

    route.ticks(30, *[slow("hung", refused=9_000)] * 4)

    assert route.queues == {}


def test_when_isolation_is_off_what_is_there_is_closed() -> None:
    route = isolated(Route())
    route.policy = Policy(mode="Off")

    decision = route.tick(*[slow("hung")] * 4)

    assert decision.queues["hung"].stage == "Closing"
    assert route.told(told.RELEASED) == ["hung: isolation is off; its orders go to tier gold's lane again"]
    assert route.tick(*[slow("hung")] * 4).queues == {}


def test_a_dry_run_tells_and_opens_nothing() -> None:
    route = Route(Policy(mode="DryRun"))
    route.tick(*[QUIET] * 4)

    decision = route.ticks(20, *[slow("hung")] * 4)

    assert (decision.queues, list(decision.would)) == ({}, ["hung"])
    assert [text[:40] for text in route.told(told.ISOLATED)] == ["Dry run, nothing is changed: hung: slow "]


def test_the_worst_have_the_room_and_the_rest_is_told_once() -> None:
    route = Route(Policy(max_own_queues=2, pinned=frozenset({"pinned"})))
    route.tick(*[QUIET] * 4)
    both = slow("a") | slow("b")

    decision = route.ticks(20, both, both, slow("a"), slow("a"))

    assert sorted(route.queues) == ["a", "pinned"]
    assert decision.without_room == 1
    assert len(route.told(told.NO_ROOM)) == 1


def test_a_slow_merchant_takes_the_place_of_one_that_is_well() -> None:
    route = isolated(Route(Policy(max_own_queues=1)), "first")

    route.tick(*[well("first", in_flight=1, succeeded=1) | slow("second")] * 4)
    assert list(route.queues) == []
    route.tick(*[well("first", in_flight=1, succeeded=2) | slow("second")] * 4)

    assert list(route.queues) == ["second"]


def test_what_waits_in_a_queue_that_closes_leaves_at_a_pace_that_follows_its_merchant() -> None:
    route, queue = Route(), OwnQueue("m", TIER, "Slow", "Closing", EPOCH, 1, rate=1.0)
    for succeeded in range(10, 130, 10):
        route.queues, route.waiting = {"m": queue}, {"m": Waiting(100, 1)}
        queue = route.tick(*[well("m", in_flight=1, succeeded=succeeded)] * 4).queues["m"]

    assert (queue.stage, queue.rate) == ("Closing", None)
    assert queue.share > 5


def test_a_merchant_that_moves_keeps_its_queue_in_its_new_tier() -> None:
    queue = OwnQueue("m", "silver", "Pinned", "Open", EPOCH, 5)
    route = Route(Policy(pinned=frozenset({"m"})), queues={"m": queue})

    route.tick(*[QUIET] * 4)

    assert (route.queues["m"].tier, route.queues["m"].since) == (TIER, EPOCH)


def test_a_flapping_merchant_is_opened_at_a_falling_rate() -> None:
    route = Route()
    done = 0
    for second in range(0, 7_200, 2):
        hangs = second % 120 < 20
        done += not hangs
        report = slow("flaps") if hangs else well("flaps", in_flight=0, succeeded=done)
        route.tick(*[report] * 4)

    opened = route.times(told.ISOLATED)
    gaps = [later - earlier for earlier, later in pairwise(opened)]
    assert len(opened) <= 4
    assert gaps == sorted(gaps)


def test_a_merchant_that_alternates_each_second_is_opened_once() -> None:
    route = Route()
    done = 0
    for tick in range(900):
        done += tick % 2
        route.tick(*[slow("odd", failed=tick // 2) if tick % 2 else well("odd", in_flight=1, succeeded=done)] * 4)

    assert len(route.told(told.ISOLATED)) == 1


def test_holds_never_exceed_the_longest() -> None:
    route = Route()
    for _ in range(12):
        isolated(route, "hung")
        route.queues = {}
        past = route.memory.merchants["hung"]
        longest = replace(past, closed_at=route.now, hold=LONGEST_HOLD)
        route.memory = replace(route.memory, merchants={"hung": longest})

    assert isolated(route, "hung").queues["hung"].hold == LONGEST_HOLD


def test_pods_that_report_nonsense_are_bounded() -> None:
    route = Route(busy=10**12)
    nonsense = {
        f"m{number}": MerchantFigures(f"m{number}", 10**12, refused=10**15, succeeded=-5) for number in range(100_000)
    }
    route.tick(nonsense)

    decision = route.tick(nonsense)

    assert len(decision.queues) <= route.policy.max_own_queues
    assert len(decision.memory.merchants) <= MOST_MERCHANTS
    assert all(len(pod.merchants) <= MOST_KEPT for pod in decision.memory.pods.values())


def test_of_tens_of_thousands_of_merchants_one_after_the_other_some_are_remembered() -> None:
    route = Route(Policy(max_own_queues=20), active=1_000)
    most = 0
    for number in range(125):
        ids = [f"{number}-{each}-" + "\x01" * 240 for each in range(200)]
        decision = route.tick({each: MerchantFigures(each, 1, slow=True, refused=99, failed=3) for each in ids})
        most = max(most, len(route.queues))
        assert len(decision.memory.merchants) <= MOST_MERCHANTS
        assert all(len(pod.merchants) <= MOST_KEPT for pod in decision.memory.pods.values())

    assert most == 20


REPORTS = st.dictionaries(
    st.sampled_from("abcde"),
    st.builds(
        MerchantFigures,
        st.just(""),
        in_flight=st.integers(0, 60),
        slow=st.booleans(),
        refused=st.integers(0, 5_000),
        succeeded=st.integers(0, 5_000),
        failed=st.integers(0, 50),
    ),
).map(lambda found: {name: replace(figures, merchant=name) for name, figures in found.items()})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(REPORTS, min_size=1, max_size=4), min_size=1, max_size=40))
def test_never_more_than_there_may_be_and_closed_after_calm_only(
    history: list[list[dict[str, MerchantFigures]]],
) -> None:
    route = Route(Policy(max_own_queues=2))
    opened: dict[str, float] = {}
    for reports in history:
        before = dict(route.queues)
        decision = route.tick(*reports)
        assert len(decision.queues) <= 2
        for name, queue in decision.queues.items():
            assert queue.share >= 1
            if queue.stage == "Opening" and name not in before:
                opened[name] = route.now
        crowded = decision.without_room > 0
        for name in before.keys() - route.queues.keys():
            assert crowded or route.now - opened[name] >= HOLD


@pytest.mark.parametrize("mode", ["Off", "DryRun"])
def test_what_waits_as_isolation_is_turned_off_leaves_at_the_fair_share_and_not_at_a_hung_merchants(mode: Mode) -> None:
    route = isolated(Route())
    assert (route.queues["hung"].share, route.queues["hung"].rate) == (1, 1.0)
    route.waiting["hung"] = Waiting(100_000, 1)
    route.policy = Policy(mode=mode)

    closing = route.tick(*[well("hung", in_flight=1)] * 4).queues["hung"]

    assert (closing.stage, closing.rate) == ("Closing", None)
    assert closing.share >= 4 * route.fair


@pytest.mark.parametrize("also", ["limits", "pinned"])
def test_who_hangs_does_not_lose_its_queue_to_one_that_was_asked_for_and_has_no_orders(also: str) -> None:
    def policy(*merchants: str) -> Policy:
        if also == "pinned":
            return Policy(max_own_queues=2, pinned=frozenset(merchants))
        return Policy(max_own_queues=2, limits=dict.fromkeys(merchants, MerchantLimits(max_in_flight=8)))

    route = Route(policy("busy", "quiet"))
    route.ticks(10, *[well("busy", in_flight=9)] * 4)
    assert sorted(route.queues) == ["busy", "quiet"]
    route.policy = policy("busy", "quiet", "quieter")

    route.ticks(20, *[slow("busy")] * 4)

    assert (route.queues["busy"].why, route.queues["busy"].share) == ("Slow", 1)

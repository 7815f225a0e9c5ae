"""A group with limits: no tiers' pods have more together than the group, and nobody with orders goes without."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation.groups.limited_groups import (
    AHEAD,
    FETCHED,
    TURN,
    GroupPlan,
    GroupShare,
    Member,
    plan_groups,
)
from merchantroute_operator.isolation.model import MerchantLimits

VENDOR = "pos.vendor.example"
SLOTS = {"gold": 100, "silver": 40}


def member(merchant: str, orders: int = 0, *, tier: str = "gold", most: int = 50) -> Member:
    return Member(merchant, tier, VENDOR, most, orders)


def plan(limits: MerchantLimits, *members: Member, now: float = 0.0, before: GroupPlan | None = None) -> GroupPlan:
    return plan_groups({VENDOR: limits}, members, SLOTS, now, before or GroupPlan())


def test_a_group_in_one_tier_has_all_of_its_limits_there() -> None:
    found = plan(MerchantLimits(6, 30.0, 4), member("a", 9), member("b"))

    assert found.shares == {("gold", VENDOR): GroupShare(6, 30.0, 4)}
    assert found.members == {"a": 6, "b": 1}


def test_a_rate_alone_leaves_every_slot() -> None:
    assert plan(MerchantLimits(None, 5.0, 2), member("a", 9)).shares == {("gold", VENDOR): GroupShare(100, 5.0, 2)}


def test_several_tiers_share_by_their_orders_and_what_is_left_equally() -> None:
    limits = MerchantLimits(20, 10.0, 10)
    busy = plan(limits, member("a", 500), member("b", 3, tier="silver"))
    idle = plan(limits, member("a"), member("b", tier="silver"))

    assert busy.shares == {("gold", VENDOR): GroupShare(16, 8.0, 8), ("silver", VENDOR): GroupShare(4, 2.0, 2)}
    assert [share.share for share in idle.shares.values()] == [10, 10]


def test_tiers_keep_what_they_had_where_nobody_needs_more() -> None:
    limits = MerchantLimits(20)
    first = plan(limits, member("a", 500), member("b", 3, tier="silver"))
    fewer = plan(limits, member("a", 9), member("b", 2, tier="silver"), before=first)
    other = plan(limits, member("a", 9), member("b", 40, tier="silver"), before=fewer)

    assert first.shares == fewer.shares
    assert [share.share for share in other.shares.values()] == [10, 10]


def test_those_without_orders_have_one_fetched_before_any_keeps_more() -> None:
    limits = MerchantLimits(2)
    first = plan(limits, *(member(f"m{number}", 9) for number in range(16)), *(member(f"n{n}") for n in range(20)))
    after = plan(
        limits, *(member(f"m{number}") for number in range(16)), *(member(f"n{n}") for n in range(20)), before=first
    )

    assert sum(first.members.values()) == sum(after.members.values()) == FETCHED * 2
    assert min(after.members.values()) == 1


def test_tiers_take_turns_where_there_is_one_order_for_both() -> None:
    members = [member("a", 5), member("b", 5, tier="silver")]
    found = [plan(MerchantLimits(1), *members, now=turn * TURN) for turn in range(4)]

    assert [each.shares["gold", VENDOR].share for each in found] == [1, 0, 1, 0]
    assert [each.members["b"] for each in found] == [0, 1, 0, 1]


def test_who_has_orders_has_as_many_fetched_as_all_may_wait_for() -> None:
    members = [member(f"m{number}", 100) for number in range(100)]
    found = plan(MerchantLimits(8), *members)

    assert set(found.members.values()) == {FETCHED * 8 // 128}


def test_a_low_rate_lets_few_orders_be_fetched() -> None:
    members = [member(f"m{number}", 100) for number in range(100)]

    assert sum(plan(MerchantLimits(8, 0.1), *members).members.values()) == int(AHEAD * 0.1)
    assert sum(plan(MerchantLimits(8, 0.001), *members).members.values()) == 1


def test_held_merchants_have_nothing_and_no_merchant_more_than_it_may_have() -> None:
    found = plan(MerchantLimits(8), member("held", 9, most=0), member("slow", 9, most=1), member("c", 9))

    assert found.members == {"held": 0, "slow": 1, "c": 8}


@pytest.mark.parametrize("orders", [0, 1, 500])
def test_who_comes_and_goes_with_orders_changes_nothing_for_the_others(orders: int) -> None:
    others = [member(f"m{number}", 1) for number in range(3)]
    before = plan(MerchantLimits(8), *others, member("x", 1))
    after = plan(MerchantLimits(8), *others, member("x", orders), before=before, now=300 * TURN)

    assert after == before


TIERS = st.sampled_from(["gold", "silver", "bronze"])
MEMBERS = st.lists(st.tuples(TIERS, st.integers(0, 3), st.sampled_from([0, 0, 1, 7, 900])), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 30), st.sampled_from([None, 0.001, 0.5, 40.0]), st.lists(MEMBERS, min_size=1, max_size=12),
)  # fmt: skip
def test_over_many_ticks_tiers_never_have_more_than_the_group_nor_merchants_more_than_may_wait(
    limit: int, rate: float | None, history: list[list[tuple[str, int, int]]]
) -> None:
    limits, before = MerchantLimits(limit, rate, 3), GroupPlan()
    for tick, drawn in enumerate(history):
        members = [member(f"m{n}", orders, tier=tier, most=most) for n, (tier, most, orders) in enumerate(drawn)]
        before = plan(limits, *members, now=2.0 * tick, before=before)
        assert sum(share.share for share in before.shares.values()) == limit
        rates = [share.rate or 0.0 for share in before.shares.values() if share.share]
        assert rate is None or sum(rates) <= rate * 1.0001
        for tier, share in ((tier, share) for (tier, _), share in before.shares.items()):
            mine = [each for each in members if each.tier == tier]
            assert sum(before.members[each.merchant] for each in mine) <= FETCHED * share.share
        assert all(before.members[each.merchant] <= each.most for each in members)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.sampled_from([None, 0.01, 0.1]), st.integers(1, 60), st.integers(0, 5_000))
def test_nobody_with_orders_goes_without_for_longer_than_all_others_have_had_their_turns(
    limit: int, rate: float | None, count: int, start: int
) -> None:
    members = [member(f"m{n}", 9, tier=("gold", "silver")[n % 3 == 0]) for n in range(count)]
    least = FETCHED if rate is None else max(1, int(AHEAD * rate / limit))
    turns, before, had = 2 * (-(-count // least) + 1), GroupPlan(), set[str]()
    for turn in range(turns):
        before = plan(MerchantLimits(limit, rate), *members, now=TURN * (start + turn), before=before)
        had |= {name for name, part in before.members.items() if part}

    assert had == {each.merchant for each in members}

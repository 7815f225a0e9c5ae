"""Merchants of one host count as one where it is asked whose trouble it is: theirs, or our own way out's."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation.evidence import News, PodNews
from merchantroute_operator.isolation.groups.unrelated import Unrelated, unrelated
from merchantroute_operator.isolation.history import PodPast
from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures, PodFigures, Policy
from tests.unit.operator.isolation.fleet_samples import Route

NOBODY: dict[str, MerchantFigures] = {}
VENDOR = "pos.vendor.example"


def hanging(count: int, group: str, *, of: str = "m") -> dict[str, MerchantFigures]:
    """A pod's report of so many merchants of one group that hang."""
    names = [f"{of}{number}" for number in range(count)]
    return {name: MerchantFigures(name, 1, slow=True, group=group) for name in names}


def with_groups(groups: Mapping[str, tuple[int, int]], *, alone: int, slow: int = 0) -> Route:
    """A route whose pods have so many active merchants alone, and these groups: active, and slow ones."""
    counts = {name: GroupFigures(*figures) for name, figures in groups.items()}
    active = alone + sum(active for active, _ in groups.values())
    return Route(Policy(max_own_queues=1_000), active=active, groups=counts, slow=slow)


def test_three_hundred_merchants_of_one_host_that_hangs_freeze_nothing() -> None:
    route = with_groups({VENDOR: (300, 300)}, alone=9, slow=300)
    route.tick(*[NOBODY] * 4)

    decision = route.ticks(10, *[hanging(200, VENDOR)] * 4)

    assert (decision.frozen, len(route.queues)) == (None, 200)


def test_where_pods_say_nothing_of_groups_merchants_are_counted() -> None:
    route = Route(active=309)
    route.tick(*[NOBODY] * 4)

    assert route.tick(*[hanging(200, "")] * 4).frozen is not None


@pytest.mark.parametrize("named", [200, 500])
def test_five_hosts_that_hang_together_are_our_own_way_out(named: int) -> None:
    hosts = {f"{name}.example": (100, 100) for name in "abcde"}
    route = with_groups(hosts, alone=1, slow=500)
    everybody: dict[str, MerchantFigures] = {}
    for host in hosts:
        everybody |= hanging(named // 5, host, of=host)
    route.tick(*[NOBODY] * 4)

    decision = route.tick(*[everybody] * 4)

    assert route.queues == {}
    assert decision.frozen is not None
    assert "5.0 of 6 groups of merchants, each by the part of it that is slow, are slow at once" in decision.frozen


def test_one_merchant_of_each_of_several_large_hosts_is_no_trouble_of_ours() -> None:
    hosts = {f"{name}.example": (100, 1) for name in "abc"}
    route = with_groups(hosts, alone=1, slow=4)
    four: dict[str, MerchantFigures] = hanging(1, "", of="alone")
    for host in hosts:
        four |= hanging(1, host, of=host)
    route.tick(*[NOBODY] * 4)

    decision = route.tick(*[four] * 4)

    assert (decision.frozen, len(route.queues)) == (None, 4)


def test_a_tier_of_one_host_alone_is_never_frozen() -> None:
    route = with_groups({VENDOR: (40, 40)}, alone=2, slow=40)
    route.tick(*[NOBODY] * 4)

    assert route.tick(*[hanging(40, VENDOR)] * 4).frozen is None


def test_of_slow_merchants_that_a_pod_does_not_name_as_many_count_as_of_those_that_it_names() -> None:
    shown = hanging(3, "", of="shown")
    remembered = {name: replace(each, in_flight=0) for name, each in hanging(1, "", of="old").items()}
    pod = PodFigures("pod", 1, 0.0, 50, 25, 1, shown | remembered, groups={VENDOR: GroupFigures(5, 4)}, slow=12)
    news = {name: News(slow=name in shown) for name in pod.merchants}

    found = unrelated(PodNews(pod, news, PodPast(1)))

    assert found == Unrelated(slow=0.75 * 4 / 5 + 0.75 * 8, active=21)


MERCHANTS = st.lists(st.booleans(), min_size=1, max_size=30)  # of each whether it is slow


def counted(slow: list[bool], size: int, *, in_groups: bool) -> Unrelated:
    """What is counted of a pod whose merchants each are a group of so many that fare alike."""
    names = {f"{place}-{copy}": place for place in range(len(slow)) for copy in range(size)}
    merchants = {
        name: MerchantFigures(name, 1, slow=slow[place], group=f"h{place}" if in_groups else "")
        for name, place in names.items()
    }
    groups = {f"h{place}": GroupFigures(size, size * is_slow) for place, is_slow in enumerate(slow)}
    pod = PodFigures(
        "pod", 1, 0.0, 50, len(names), 1, merchants, groups=groups if in_groups else {}, slow=size * sum(slow)
    )
    return unrelated(PodNews(pod, {name: News(slow=slow[place]) for name, place in names.items()}, PodPast(1)))


@settings(max_examples=100, deadline=None)
@given(MERCHANTS, st.integers(2, 6))
def test_a_merchant_and_a_group_that_fares_as_it_does_count_the_same(slow: list[bool], size: int) -> None:
    alone = counted(slow, 1, in_groups=False)

    assert alone == Unrelated(sum(slow), len(slow))
    assert counted(slow, size, in_groups=True) == alone


ANY = st.integers(0, 2**63 - 1)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.booleans(), st.booleans(), st.sampled_from("xyz"))),
    st.dictionaries(st.sampled_from("xyz"), st.builds(GroupFigures, ANY, ANY)),
    ANY,
    ANY,
)
def test_whatever_a_pod_says_no_more_groups_are_slow_than_active(
    merchants: dict[str, tuple[bool, bool, str]], groups: dict[str, GroupFigures], active: int, slow: int
) -> None:
    said = {
        name: MerchantFigures(name, 1, slow=is_slow, group=group) for name, (is_slow, _, group) in merchants.items()
    }
    news = {name: News(slow=is_slow and evident) for name, (is_slow, evident, _) in merchants.items()}
    pod = PodFigures("pod", 1, 0.0, 50, active, 1, said, groups=groups, slow=slow)

    found = unrelated(PodNews(pod, news, PodPast(1)))

    assert 0 <= found.slow <= found.active

"""What is run is chosen by the environment; what cannot be chosen is named, with what can."""

import pytest

from benchmarks.comparison.catalogue import ALL
from benchmarks.comparison.plan import Unusable, planned


def test_nothing_chosen_is_every_contender_wherever_it_is_measured() -> None:
    plan = planned({})

    assert {(one.name, ms) for ms, one in plan.pairs()} == {(one.name, ms) for one in ALL for ms in one.merchants}
    assert (plan.rounds, plan.keep) == (3, False)


def test_quick_is_one_round_at_two_latencies() -> None:
    plan = planned({"QUICK": "1"})

    assert (plan.rounds, plan.merchants) == (1, (5, 500))


def test_names_and_numbers() -> None:
    plan = planned({"CONTENDERS": "handwritten, bare-loop", "MERCHANTS": "5,2000", "ROUNDS": "2", "KEEP": "1"})

    assert [(ms, one.name) for ms, one in plan.pairs()] == [(5, "handwritten"), (5, "bare-loop")]
    assert (plan.rounds, plan.keep) == (2, True)


def test_a_window_holds_whole_orders_and_a_warm_up_two_series() -> None:
    plan = planned({"SECONDS": "3"})

    assert (plan.window(5), plan.window(2000)) == (3, 9)
    assert (plan.warm_up(5), plan.warm_up(2000)) == (3, 10)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"CONTENDERS": "huey"}, "no contender 'huey'; there are worker-gevent-200, "),
        ({"MERCHANTS": "7"}, "'7' is not measured; there are 5, 50, 500, 2000"),
        ({"ROUNDS": "0"}, "at least 1"),
        ({"SECONDS": "short"}, "at least 1"),
    ],
)
def test_what_cannot_be_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(Unusable, match=told):
        planned(given)

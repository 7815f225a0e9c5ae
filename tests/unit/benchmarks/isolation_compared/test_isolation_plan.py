"""The plan of a run, by environment variables."""

import pytest

from benchmarks.isolation_compared.isolation_plan import CONTENDERS, UnusablePlan, planned
from benchmarks.isolation_compared.trouble import FAULTS


def test_without_a_choice_everything_is_measured() -> None:
    plan = planned({})

    assert plan.contenders == CONTENDERS
    assert plan.loads == (50, 90)
    assert {trouble.name for _, _, trouble in plan.cells()} == set(FAULTS)


def test_each_contender_begins_with_the_cell_without_a_fault() -> None:
    cells = planned({"CONTENDERS": "automatic,celery", "FAULTS": "flood", "LOADS": "90"}).cells()

    assert [(contender, load, trouble.name) for contender, load, trouble in cells] == [
        ("automatic", 90, "none"),
        ("automatic", 90, "flood"),
        ("celery", 90, "none"),
        ("celery", 90, "flood"),
    ]


def test_nobody_has_a_worker_for_each_of_hundreds_of_merchants() -> None:
    assert "vendor" not in {trouble.name for one, _, trouble in planned({}).cells() if one == "queue-per-merchant"}


def test_quick_is_less() -> None:
    quick, whole = planned({"QUICK": "1"}), planned({})

    assert quick.minutes < whole.minutes / 3
    assert quick.times.longest < whole.times.longest


@pytest.mark.parametrize("choice", [{"FAULTS": "none-such"}, {"CONTENDERS": "rabbits"}, {"LOADS": "70"}])
def test_what_there_is_not_is_refused_with_what_there_is(choice: dict[str, str]) -> None:
    with pytest.raises(UnusablePlan, match="there are"):
        planned(choice)

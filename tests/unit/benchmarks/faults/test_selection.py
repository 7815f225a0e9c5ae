"""FAULTS and ORDERS choose what is played; what cannot be chosen is named, with what can."""

import pytest

from benchmarks.faults.environment.scale import FULL, SMALL, of_a_cluster
from benchmarks.faults.every_fault import ALL
from benchmarks.faults.selection import Unusable, chosen_faults, chosen_scale


def test_nothing_chosen_is_everything() -> None:
    assert chosen_faults({}) == ALL
    assert chosen_scale({}).orders == 20_000


def test_names_and_a_number() -> None:
    assert [fault.name for fault in chosen_faults({"FAULTS": "sigkill, queue-gone"})] == ["sigkill", "queue-gone"]
    assert chosen_scale({"ORDERS": "2000"}).orders == 2000
    assert (chosen_scale({}).alarm, chosen_scale({"ALARM": "60"}).alarm) == (600.0, 60.0)


def test_a_fault_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(Unusable, match="no fault 'siglost'; there are sigterm, sigkill"):
        chosen_faults({"FAULTS": "siglost"})


@pytest.mark.parametrize("text", ["few", "3"])
def test_a_number_of_orders_that_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match="at least 500"):
        chosen_scale({"ORDERS": text})


def test_an_alarm_that_lasts_no_number_of_seconds_is_refused() -> None:
    with pytest.raises(Unusable, match="ALARM='long': a whole number"):
        chosen_scale({"ALARM": "long"})


def test_faults_of_three_nodes_hit_once_under_a_hundred_orders_a_second() -> None:
    assert (of_a_cluster(FULL).orders, of_a_cluster(FULL).rate, of_a_cluster(FULL).strikes) == (3_000, 100.0, 1)
    assert of_a_cluster(SMALL).orders == SMALL.orders

"""When an order is suspect, and when it is guilty."""

import pytest

from merchantroute_worker.orders.suspicion import (
    DEATH_WINDOW,
    SUSPECT_WITHOUT_DEATH,
    Suspicion,
    died_lately,
    suspicion,
    suspicion_alone,
)

NONE, UNEXPLAINED, APART = Suspicion.NONE, Suspicion.UNEXPLAINED, Suspicion.TO_SUSPECT_LANE
ANEW, GUILTY = Suspicion.RESET_COUNT, Suspicion.GUILTY


@pytest.mark.parametrize(
    ("redeliveries", "pod_died", "expected"),
    [
        (0, True, NONE),
        (1, True, NONE),  # a pod may die of anything, and takes all that it held along
        (2, True, APART),
        (7, True, APART),
        (1, False, NONE),
        (2, False, UNEXPLAINED),  # two blips of the network, or deaths that nobody has told of yet
        (SUSPECT_WITHOUT_DEATH - 1, False, UNEXPLAINED),
        (SUSPECT_WITHOUT_DEATH, False, APART),  # nobody tells of deaths any more
    ],
)
def test_among_others(redeliveries: int, pod_died: bool, expected: Suspicion) -> None:
    assert suspicion(redeliveries, pod_died=pod_died) is expected


@pytest.mark.parametrize(
    ("redeliveries", "lost", "survived", "expected"),
    [
        (0, 0, False, NONE),
        (1, 0, False, NONE),  # it took one pod along, alone
        (2, 0, False, GUILTY),
        (0, 1, False, NONE),  # one child process
        (0, 2, False, GUILTY),
        (1, 1, False, GUILTY),  # a child process, then the whole pod
        (1, 0, True, ANEW),  # this very process had it, and lives
        (5, 0, True, ANEW),
        (1, 1, True, ANEW),
        (0, 0, True, NONE),  # sent to the lane anew already
        (0, 1, True, NONE),
        (0, 2, True, GUILTY),  # the pod survived, its child processes did not
    ],
)
def test_alone(redeliveries: int, lost: int, survived: bool, expected: Suspicion) -> None:
    assert suspicion_alone(redeliveries, lost, survived=survived) is expected


def test_a_death_explains_what_comes_back_for_as_long_as_kubernetes_waits_with_a_restart() -> None:
    assert died_lately(1_000.0, 1_000.0 + 320.0)
    assert died_lately(1_000.0, 990.0)  # the clock of the one who tells is ahead
    assert not died_lately(1_000.0, 1_000.0 + DEATH_WINDOW)

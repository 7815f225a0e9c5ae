"""When an order is suspect, and when it is guilty."""

import pytest

from merchantroute_worker.orders.suspicion import Suspicion, suspicion

NONE, APART, ANEW, GUILTY = Suspicion.NONE, Suspicion.TO_SUSPECT_LANE, Suspicion.RESET_COUNT, Suspicion.GUILTY


@pytest.mark.parametrize(
    ("deliveries", "alone", "survived", "expected"),
    [
        (0, False, False, NONE),
        (1, False, False, NONE),  # once is a pod that was told to go
        (2, False, False, APART),
        (7, False, True, APART),  # among others, nobody knows whose fault it was
        (0, True, False, NONE),
        (1, True, False, NONE),  # it took one pod along, alone
        (2, True, False, GUILTY),
        (1, True, True, ANEW),  # this very process had it, and lives
        (5, True, True, ANEW),
        (0, True, True, NONE),  # sent to the lane anew already
    ],
)
def test_the_table(deliveries: int, alone: bool, survived: bool, expected: Suspicion) -> None:
    assert suspicion(deliveries, alone=alone, survived=survived) is expected

"""Which way a route ends, and when it goes on without a broker that does not answer."""

from __future__ import annotations

import pytest

from merchantroute_operator.reconcile.steps.deletion_policy import deletion_policy, gives_up_on_broker
from merchantroute_operator.spec.route import Deletion


def deletion(policy: str, on_timeout: str = "Retain") -> Deletion:
    return Deletion(policy=policy, timeout=900.0, on_timeout=on_timeout, dead_letters="Retain")


@pytest.mark.parametrize(
    ("asked", "elapsed", "terminating", "expected"),
    [
        (deletion("Drain"), 0, False, "Drain"),
        (deletion("Drain"), 900, False, "Drain"),
        (deletion("Drain"), 901, False, "Retain"),
        (deletion("Drain", "Force"), 901, False, "Force"),
        (deletion("Drain"), 0, True, "Retain"),  # no new pods there: nothing could drain
        (deletion("Drain", "Force"), 901, True, "Retain"),  # nobody asked for orders to go with the namespace
        (deletion("Retain"), 901, False, "Retain"),
        (deletion("Force"), 0, False, "Force"),
        (deletion("Force"), 0, True, "Force"),
    ],
)
def test_way(asked: Deletion, elapsed: float, terminating: bool, expected: str) -> None:
    assert deletion_policy(asked, elapsed=elapsed, terminating=terminating) == expected


@pytest.mark.parametrize(
    ("elapsed", "terminating", "expected"),
    [(10, False, False), (899, False, False), (901, False, True), (10, True, False), (31, True, True)],
)
def test_a_finalizer_does_not_wait_for_ever(elapsed: float, terminating: bool, expected: bool) -> None:
    assert gives_up_on_broker(deletion("Drain"), elapsed=elapsed, terminating=terminating) is expected

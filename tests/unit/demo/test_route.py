"""What the demo reads from a MerchantRoute, with the API server's defaults and without them."""

from typing import Any

import pytest

from merchantroute_demo.cluster import is_ready
from merchantroute_demo.route import parse, seconds

SMALLEST: dict[str, Any] = {
    "metadata": {"name": "pos", "namespace": "orders", "generation": 3},
    "spec": {
        "broker": {"secretRef": {"name": "s"}},
        "worker": {"image": "i"},
        "defaultTier": "t",
        "tiers": [{"name": "t"}],
    },
}


@pytest.mark.parametrize(
    ("text", "value"), [("10s", 10), ("500ms", 0.5), ("1m30s", 90), ("24h", 86_400), ("1.5s", 1.5), ("0s", 0)]
)
def test_durations_are_read_as_kubernetes_writes_them(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "10", "10 s", "1d", "s", "-1s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)


def test_the_smallest_route_has_the_documented_defaults() -> None:
    route = parse(SMALLEST)
    assert (route.front_door, route.call_timeout, route.rungs) == ("mr.orders.pos", 10, (1, 15, 120))
    assert (route.steps, route.tiers["t"].slots) == (("validate", "submit", "confirm"), 1000)
    assert route.completions is None


def test_the_exchange_of_completions_is_the_workers() -> None:
    spec = {**SMALLEST["spec"], "worker": {"image": "i", "env": [{"name": "MR_COMPLETIONS", "value": "done"}]}}
    assert parse({**SMALLEST, "spec": spec}).completions == "done"


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({}, False),
        ({"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]}, False),  # of an older spec
        ({"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"observedGeneration": 3, "conditions": [{"type": "QueuesReady", "status": "True"}]}, False),
    ],
)
def test_a_route_is_ready_only_for_the_generation_that_was_applied(status: dict[str, Any], ready: bool) -> None:
    assert is_ready({**SMALLEST, "status": status}) is ready

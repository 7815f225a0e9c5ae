"""A merchant is bound when every ready pod knows it, and a pod that never learns is not waited for without end."""

from __future__ import annotations

import pytest

from merchantroute_operator.naming import labels
from merchantroute_operator.reconcile.state.gate import Gate, assign, bound_in, gate, reporting_pods
from merchantroute_operator.spec.route import Merchant
from merchantroute_operator.topology.objects import Binding, Topology
from tests.unit.operator.route_samples import a_route


@pytest.mark.parametrize(
    ("ready", "loaded", "age", "expected"),
    [
        ({}, {}, 0, Gate()),  # nobody there: nobody to wait for
        ({"a": 99, "b": 99}, {"a": 7, "b": 7}, 0, Gate()),
        ({"a": 99, "b": 99}, {"a": 7, "b": 6}, 1, Gate(awaited=("b",))),
        ({"a": 99, "b": 99}, {"a": 7}, 1, Gate(awaited=("b",))),  # no pulse yet: it cannot know
        ({"a": 99}, {"a": 8}, 1, Gate()),  # already ahead
        ({"a": 99, "b": 99}, {"a": 7, "b": 6}, 60, Gate(awaited=("b",))),
        ({"a": 99, "b": 99}, {"a": 7, "b": 6}, 60.1, Gate(overdue=("b",))),  # named, no longer waited for
        ({"a": 99, "new": 1}, {"a": 7}, 3600, Gate(awaited=("new",))),  # it has yet to send its first pulse
        ({"a": 99}, {"a": 7, "gone": 1}, 1, Gate()),  # a pod that is not ready holds nobody up
    ],
)
def test_gate(ready: dict[str, float], loaded: dict[str, int], age: float, expected: Gate) -> None:
    found = gate(ready, loaded, 7, age=age)
    assert found == expected
    assert found.open is not bool(expected.awaited)


def test_a_pod_with_a_command_of_its_own_is_waited_for_only_once_it_has_said_something() -> None:
    route = a_route(tiers=["standard", {"name": "plain", "command": ["celery"]}])
    pods = {
        name: {"metadata": {"name": name, "labels": labels("pos", tier, "stable")}}
        for name, tier in {"a": "standard", "silent": "plain", "speaks": "plain"}.items()
    }
    waited = reporting_pods(route, pods, dict.fromkeys(pods, 99.0), {"speaks": 6})
    assert set(waited) == {"a", "speaks"}


def merchant(name: str, tier: str) -> Merchant:
    return Merchant(name, tier, "https://pos.example", None)


def test_while_the_gate_is_shut_merchants_stay_and_new_ones_wait() -> None:
    listed = [merchant("moved", "big"), merchant("new", "big"), merchant("same", "small")]
    bound = {"moved": "small", "same": "small", "unlisted": "small"}
    assert assign(listed, bound, Gate(awaited=("pod",))) == {"moved": "small", "same": "small"}
    assert assign(listed, bound, Gate(overdue=("pod",))) == {"moved": "big", "new": "big", "same": "small"}


def test_what_is_bound_is_read_from_the_broker() -> None:
    bindings = frozenset(
        {
            Binding("mr.ns.pos.assigned", "mr.ns.pos.big", "exchange", key="burger.hut"),
            Binding("mr.ns.pos.router", "mr.ns.pos.small", "exchange", key="moving"),
            Binding("mr.ns.pos.assigned", "audit-tap", "exchange", key="burger.hut"),
        }
    )
    assert bound_in(Topology({}, {}, bindings), "mr.ns.pos.assigned", "mr.ns.pos.") == {"burger.hut": "big"}

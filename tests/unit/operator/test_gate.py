"""A merchant is bound when every ready pod knows it, and a pod that never learns is not waited for without end."""

from __future__ import annotations

import pytest

from merchantroute_operator.reconcile.gate import Gate, assign, bound_in, gate
from merchantroute_operator.spec.model import Merchant
from merchantroute_operator.topology.types import Binding, Topology


@pytest.mark.parametrize(
    ("ready", "loaded", "age", "lagging", "is_open"),
    [
        ([], {}, 0, (), True),  # nobody there: nobody to wait for
        (["a", "b"], {"a": 7, "b": 7}, 0, (), True),
        (["a", "b"], {"a": 7, "b": 6}, 1, ("b",), False),
        (["a", "b"], {"a": 7}, 1, ("b",), False),  # no pulse yet: it cannot know
        (["a"], {"a": 8}, 1, (), True),  # already ahead
        (["a", "b"], {"a": 7, "b": 6}, 60, ("b",), False),
        (["a", "b"], {"a": 7, "b": 6}, 60.1, ("b",), True),  # named, no longer waited for
        (["a"], {"a": 7, "gone": 1}, 1, (), True),  # a pod that is not ready holds nobody up
    ],
)
def test_gate(ready: list[str], loaded: dict[str, int], age: float, lagging: tuple[str, ...], is_open: bool) -> None:
    assert gate(ready, loaded, 7, age=age) == Gate(lagging, open=is_open)


def merchant(name: str, tier: str) -> Merchant:
    return Merchant(name, tier, "https://pos.example", None)


def test_while_the_gate_is_shut_merchants_stay_and_new_ones_wait() -> None:
    listed = [merchant("moved", "big"), merchant("new", "big"), merchant("same", "small")]
    bound = {"moved": "small", "same": "small", "unlisted": "small"}
    assert assign(listed, bound, Gate(("pod",), open=False)) == {"moved": "small", "same": "small"}
    assert assign(listed, bound, Gate((), open=True)) == {"moved": "big", "new": "big", "same": "small"}


def test_what_is_bound_is_read_from_the_broker() -> None:
    bindings = frozenset(
        {
            Binding("mr.ns.pos.assigned", "mr.ns.pos.big", "exchange", key="burger.hut"),
            Binding("mr.ns.pos.router", "mr.ns.pos.small", "exchange", key="moving"),
            Binding("mr.ns.pos.assigned", "audit-tap", "exchange", key="burger.hut"),
        }
    )
    assert bound_in(Topology({}, {}, bindings), "mr.ns.pos.assigned", "mr.ns.pos.") == {"burger.hut": "big"}

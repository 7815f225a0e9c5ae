"""Members of quorum queues, as RabbitMQ 4.0.5 tells of them in a cluster of three nodes: all up, one down, two down."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.rabbit.topology_reader import sample_of
from merchantroute_operator.reconcile.observers.tick import grouped
from merchantroute_operator.topology.membership import Membership, membership
from merchantroute_operator.topology.objects import QueueSample

NODES = ["rabbit@a", "rabbit@b", "rabbit@c"]
THREE, ONE = "mr.orders.pos.standard.stable", "mr.orders.pos.dead"


def readings(up: list[str], state: str = "running") -> list[dict[str, Any]]:
    """Of two queues: one with a member on each node, one that was made while the first node was alone."""
    reading = {"leader": "rabbit@a", "type": "quorum"}
    return [
        {**reading, "name": ONE, "members": ["rabbit@a"], "online": ["rabbit@a"], "state": "running"},
        {**reading, "name": THREE, "members": NODES, "online": up, "state": state},
    ]


def nodes_of(samples: dict[str, QueueSample]) -> int:
    """As the scaler finds it in a reading of all queues."""
    return grouped(samples).nodes


@pytest.mark.parametrize(
    ("up", "state", "found"),
    [
        (NODES, "running", Membership(short=(ONE,), nodes=3)),
        (["rabbit@a", "rabbit@b"], "running", Membership(degraded=(THREE,), short=(ONE,), nodes=3)),
        (["rabbit@a"], "minority", Membership(lost=(THREE,), short=(ONE,), nodes=3)),
        ([], "down", Membership(lost=(THREE,), short=(ONE,), nodes=3)),
    ],
)
def test_what_a_node_that_is_away_takes_from_a_queue(up: list[str], state: str, found: Membership) -> None:
    samples = {each["name"]: sample_of(each) for each in readings(up, state)}
    assert membership(samples, nodes_of(samples)) == found


def test_a_broker_of_one_node_lacks_nothing() -> None:
    samples = {ONE: sample_of(readings(NODES)[0])}
    assert membership(samples, nodes_of(samples)) == Membership(nodes=1)


def test_two_of_two_members_are_a_majority_and_one_is_none() -> None:
    for online, lost in ((["rabbit@a", "rabbit@b"], ()), (["rabbit@a"], (ONE,))):
        samples = {ONE: sample_of({"members": ["rabbit@a", "rabbit@b"], "online": online})}
        assert membership(samples, nodes_of(samples)).lost == lost


@pytest.mark.parametrize(
    "reading", [{}, {"members": None}, {"members": 3, "online": 1}, {"members": NODES}, {"members": []}]
)
def test_of_what_a_reading_does_not_tell_nothing_is_said(reading: dict[str, Any]) -> None:
    """A classic queue has no members, and a queue that was made just now no figures."""
    samples = {ONE: sample_of(reading)}
    found = membership(samples, nodes_of(samples))
    assert (found.lost, found.degraded, found.short) == ((), (), ())


def test_a_queue_that_was_made_just_now_has_lost_nobody() -> None:
    """It runs before its members have reported."""
    samples = {ONE: sample_of({"members": NODES, "online": [], "state": "running"})}
    assert membership(samples, nodes_of(samples)) == Membership(nodes=3)

"""A pod whose hub is blocked by its code is reported by an event, at most once in ten minutes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.rabbit.pulses.pulse_format import parse_pulse
from merchantroute_operator.reconcile.state.hub_reports import AGAIN_AFTER, HubReports
from merchantroute_operator.scaling.model import Blocked, Pulse
from tests.unit.operator.reconcile.passes.test_suspect_lane import fleet

TOLD: dict[str, Any] = {
    "pod": "pos-1", "namespace": "orders", "route": "pos", "tier": "standard", "lane": "stable", "started": 1,
    "at": 2, "generation": 7, "busy": 3, "busySeconds": 12.5, "finished": 7, "retried": 1, "dead": 0,
}  # fmt: skip
SEEN = {"count": 2, "longest": 3.5, "latest": 1.25, "ago": 0.5}


def pulse(count: int = 1, *, at: float = 100.0, ago: float = 1.0, started: int = 1, pod: str = "pos-1") -> Pulse:
    heard = parse_pulse(json.dumps({**TOLD, "pod": pod, "started": started}).encode(), at=at)
    assert heard is not None
    return replace(heard, blocked=Blocked(count, 5.0, 2.0, ago) if count else None)


def test_a_pulse_says_it_and_an_older_pod_s_is_a_pulse_as_well() -> None:
    with_it = parse_pulse(json.dumps({**TOLD, "blocked": SEEN}).encode(), at=1.0)
    without = parse_pulse(json.dumps(TOLD).encode(), at=1.0)

    assert with_it is not None
    assert with_it.blocked == Blocked(2, 3.5, 1.25, 0.5)
    assert without is not None
    assert without.blocked is None


@pytest.mark.parametrize("wrong", [None, {}, {**SEEN, "count": -1}, {**SEEN, "longest": "long"}, {**SEEN, "ago": True}])
def test_a_pulse_that_says_it_wrongly_is_none(wrong: object) -> None:
    assert parse_pulse(json.dumps({**TOLD, "blocked": wrong}).encode(), at=1.0) is None


def test_the_first_time_is_told_with_pod_and_seconds() -> None:
    hubs = HubReports()

    (words,) = hubs.news([pulse(), pulse(0, pod="pos-2")], 100.0)

    assert words.startswith("pos-1: code held up its hub, and with it all its orders, for 2.0 s; once since it started")
    assert hubs.news([pulse(at=102.0, ago=3.0)], 102.0) == []


def test_a_pod_that_blocks_all_the_time_is_told_of_once_in_ten_minutes() -> None:
    hubs = HubReports()

    said = [words for n in range(900) for words in hubs.news([pulse(n + 1, at=2.0 * n)], 2.0 * n)]

    assert len(said) == 3
    assert "301 times, at worst for 5.0 s, since it started" in said[1]


def test_what_is_long_over_is_not_told_and_a_restarted_pod_counts_anew() -> None:
    hubs = HubReports()

    assert hubs.news([pulse(ago=61.0)], 100.0) == []
    assert hubs.news([pulse(at=100.0)], 100.0)
    later = 101.0 + AGAIN_AFTER
    assert hubs.news([pulse(at=later)], later) == [], "it is the one that was told"
    assert hubs.news([pulse(at=later, started=2)], later)
    assert hubs.news([], later) == []
    assert hubs.reported == {}


def test_the_scaler_tells_it_on_the_route() -> None:
    world = fleet()
    heard = parse_pulse(json.dumps({**TOLD, "blocked": SEEN}).encode(), at=world.at + 2)
    assert heard is not None
    world.hear(heard)

    world.tick(times=3)

    (event,) = [event for event in world.kube.events if "HubBlocked" in event]
    assert event.startswith("Warning HubBlocked: pos-1: code held up its hub")

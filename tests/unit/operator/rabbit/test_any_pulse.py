"""Whatever stands in a pulse, it is one or it is none: never an error, and never a figure that breaks a sum."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures
from merchantroute_operator.rabbit.pulses.pulse_format import LARGEST, parse_pulse
from tests.unit.operator.rabbit.test_any_answer import SHAPES

GOOD: dict[str, Any] = {
    "pod": "pos-1", "namespace": "orders", "route": "pos", "tier": "standard", "lane": "stable", "started": 1, "at": 2,
    "generation": 7, "busy": 3, "busySeconds": 1.5, "finished": 7, "retried": 1, "dead": 0,
    "slots": 20, "active": 4, "fairShare": 5,
    "merchants": [{"merchant": "hut", "inFlight": 1, "slow": True, "refused": 3, "succeeded": 9, "failed": 2,
                   "group": "pos.example"}],
    "slowMerchants": 1, "groups": [{"group": "pos.example", "active": 3, "slow": 1, "well": 2}],
    "slow": [{"merchant": "hut"}], "blocked": {"count": 1, "longest": 1.0, "latest": 1.0, "ago": 0.0},
}  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.builds(lambda key, value: {**GOOD, key: value}, st.sampled_from([*GOOD]), SHAPES) | SHAPES)
def test_any_json_is_a_pulse_or_none(document: Any) -> None:
    pulse = parse_pulse(json.dumps(document).encode(), at=1.0)
    if pulse is not None:
        assert pulse.finished / 2.0 + pulse.busy_seconds < float("inf")
        pulse.pod.encode()


@pytest.mark.parametrize("key", ["busySeconds", "finished", "generation"])
def test_a_figure_too_large_to_count_with_makes_no_pulse(key: str) -> None:
    assert parse_pulse(json.dumps({**GOOD, key: 10**400}).encode(), at=1.0) is None


def test_a_name_that_no_object_could_have_makes_no_pulse() -> None:
    assert parse_pulse(json.dumps({**GOOD, "pod": "x" * 257}).encode(), at=1.0) is None
    assert parse_pulse(json.dumps({**GOOD, "pod": "\ud800"}).encode(), at=1.0) is None


def test_a_message_larger_than_a_pulse_can_be_is_not_read() -> None:
    padded = json.dumps({**GOOD, "more": "x" * LARGEST}).encode()
    assert parse_pulse(padded, at=1.0) is None
    assert parse_pulse(json.dumps(GOOD).encode(), at=1.0) is not None


def test_merchants_of_the_longest_ids_that_producers_can_write_silence_no_pod() -> None:
    ids = [f"{number:03}" + "\x01" * 252 for number in range(200)]
    worst = {
        **GOOD,
        "merchants": [
            {**GOOD["merchants"][0], "merchant": m, "limited": 2**40, "pausedFor": 3599.123, "group": "h" * 253}
            for m in ids
        ],
        "groups": [{"group": f"{number:0253}", "active": 9, "slow": 9, "well": 9} for number in range(100)],
        "slow": [{"merchant": merchant, "inFlight": 1, "oldest": 1.5} for merchant in ids[:100]],
        "paused": [{"merchant": merchant, "seconds": 1.5} for merchant in ids[:100]],
        "credentialsRefused": ids[:100],
        "forbidden": ids[100:],
    }
    assert parse_pulse(json.dumps(worst, separators=(",", ":")).encode(), at=1.0) is not None


def test_the_figures_of_merchants_are_read_to_a_bound() -> None:
    many = [{**GOOD["merchants"][0], "merchant": f"m{number}"} for number in range(500)]
    pulse = parse_pulse(json.dumps({**GOOD, "merchants": many}).encode(), at=1.0)

    assert pulse is not None
    assert (pulse.slots, pulse.active, pulse.fair_share) == (20, 4, 5)
    assert list(pulse.merchants) == [f"m{number}" for number in range(200)]
    assert pulse.merchants["m7"] == MerchantFigures(
        "m7", 1, slow=True, refused=3, succeeded=9, failed=2, group="pos.example"
    )


def test_groups_are_read_to_a_bound() -> None:
    many = [{"group": f"g{number}", "active": 9, "slow": number, "well": 1} for number in range(300)]
    pulse = parse_pulse(json.dumps({**GOOD, "groups": many}).encode(), at=1.0)

    assert pulse is not None
    assert list(pulse.groups) == [f"g{number}" for number in range(100)]
    assert (pulse.groups["g7"], pulse.slow_merchants) == (GroupFigures(9, 7, 1), 1)


@pytest.mark.parametrize("wrong", [{"group": ""}, {"active": -1}, {"slow": True}, {"slow": None}, {"well": -1}])
def test_a_groups_figure_that_is_none_makes_no_pulse(wrong: dict[str, Any]) -> None:
    entry = {**GOOD["groups"][0], **wrong}
    assert parse_pulse(json.dumps({**GOOD, "groups": [entry]}).encode(), at=1.0) is None


def test_answers_429_and_the_time_that_was_asked_for_are_read_where_a_pod_tells_them() -> None:
    entry = {**GOOD["merchants"][0], "limited": 2, "pausedFor": 29.5}
    pulse = parse_pulse(json.dumps({**GOOD, "merchants": [entry]}).encode(), at=1.0)

    assert pulse is not None
    assert (pulse.merchants["hut"].limited, pulse.merchants["hut"].paused_for) == (2, 29.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"inFlight": -1},
        {"slow": 1},
        {"merchant": ""},
        {"merchant": "é" * 128},
        {"failed": 1.5},
        {"limited": -1},
        {"pausedFor": -0.5},
        {"pausedFor": "long"},
    ],
    ids=str,
)
def test_a_merchants_figure_that_is_none_makes_no_pulse(wrong: dict[str, Any]) -> None:
    entry = {**GOOD["merchants"][0], **wrong}
    assert parse_pulse(json.dumps({**GOOD, "merchants": [entry]}).encode(), at=1.0) is None


def test_an_older_pod_says_nothing_of_merchants() -> None:
    newer = {"slots", "active", "fairShare", "merchants", "groups", "slowMerchants"}
    older = {key: value for key, value in GOOD.items() if key not in newer}
    pulse = parse_pulse(json.dumps(older).encode(), at=1.0)

    assert pulse is not None
    assert (pulse.slots, pulse.merchants, pulse.groups, pulse.slow_merchants) == (None, {}, {}, 0)

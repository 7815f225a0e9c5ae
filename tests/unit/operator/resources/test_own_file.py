"""The file of own queues: as its schema says, with room for 200 queues of 20 pods, and never more than fits."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.own_file import (
    GroupEntry,
    OfGroup,
    OwnEntry,
    own_file,
    parts_in,
    room_beside,
)
from merchantroute_operator.resources.configuration.sharding import GROW_ABOVE

SCHEMA = json.loads((Path(__file__).parents[4] / "schema" / "config-own.json").read_text())
PODS = [f"pos-standard-stable-1a2b3c-{number:05d}" for number in range(20)]


def entry(merchant: str, tier: str = "standard", **more: float) -> OwnEntry:
    queue = naming.own_queue("orders", "pos", merchant)
    rate = more.get("rate")
    return OwnEntry(merchant, tier, queue, {PODS[0]: 2, PODS[3]: 1}, bound=True, rate=rate, burst=3)


def test_it_is_as_the_schema_says_and_can_be_read_back() -> None:
    entries = [entry("hut"), entry("bär", rate=0.5), entry("inn", "enterprise")]
    text, named = own_file(entries, {"standard": PODS, "enterprise": PODS[:4]}, 10**6)

    jsonschema.validate(json.loads(text), SCHEMA)
    assert named == {"hut", "bär", "inn"}
    assert parts_in(text) == {merchant: {PODS[0]: 2, PODS[3]: 1} for merchant in named}
    assert parts_in("{") == parts_in('{"tiers": 7}') == {}


def test_it_says_until_when_a_merchant_asked_for_time() -> None:
    paused = OwnEntry("hut", "standard", "own", {PODS[0]: 2}, bound=True, paused_until=1_700_000_000.5)
    text, _ = own_file([paused, entry("inn")], {"standard": PODS}, 10**6)

    jsonschema.validate(json.loads(text), SCHEMA)
    queues = {each["merchant"]: each for each in json.loads(text)["tiers"]["standard"]["queues"]}
    assert (queues["hut"]["pausedUntil"], "pausedUntil" in queues["inn"]) == (1_700_000_000_500, False)


def test_a_route_without_own_queues_has_no_file() -> None:
    assert own_file([], {"standard": PODS}, 10**6) == ("", frozenset())


def test_two_hundred_queues_of_twenty_pods_are_small_beside_a_shard_that_is_full() -> None:
    text, named = own_file([entry(f"merchant-{n}") for n in range(200)], {"standard": PODS}, room_beside(GROW_ABOVE))
    assert len(named) == 200
    assert len(text) < 50_000


@pytest.mark.parametrize("room", [0, 500, 3_000, 20_000])
def test_what_finds_no_room_is_left_out_last_ones_first(room: int) -> None:
    merchants = ["é" * 127 + str(n) for n in range(60)]
    text, named = own_file([entry(each) for each in merchants], {"standard": PODS[:4]}, room)
    assert len(text.encode()) <= room + 64
    assert sorted(named) == sorted(merchants[: len(named)])
    assert len(named) < 60


def test_groups_with_limits_are_beside_the_queues_of_their_tiers_and_their_parts_are_read_back() -> None:
    entries = [
        OwnEntry("hut", "standard", "q-hut", {"a": 1}, bound=True, group="vendor"),
        OwnEntry("bar", "enterprise", "q-bar", {"c": 1}, bound=True, group="vendor"),
    ]
    groups = [
        GroupEntry("vendor", "standard", {"a": 2, "b": 0}, rate=4.0, burst=2),
        GroupEntry("vendor", "enterprise", {"c": 1}),
        GroupEntry("vendor", "empty", {"d": 1}),
    ]
    text, named = own_file(entries, {"standard": ["a", "b"], "enterprise": ["c"]}, 10**6, groups)
    document = json.loads(text)

    jsonschema.validate(document, SCHEMA)
    assert named == {"hut", "bar"}
    assert document["tiers"]["standard"]["groups"] == [{"name": "vendor", "parts": [2, 0], "rate": 4.0, "burst": 2}]
    assert document["tiers"]["enterprise"]["queues"][0]["group"] == "vendor"
    assert "empty" not in document["tiers"]
    assert parts_in(text) == {"hut": {"a": 1}, "bar": {"c": 1}, OfGroup("vendor"): {"a": 2, "c": 1}}
    assert own_file(entries, {"standard": ["a", "b"]}, 200, groups) == ("", frozenset())

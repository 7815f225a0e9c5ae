"""How many objects a route's configuration has, and what an edit rewrites; with any merchants at all."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.config_maps import ConfigContents, config_maps
from merchantroute_operator.resources.configuration.credential_secrets import LONGEST, credentials_secrets
from merchantroute_operator.resources.configuration.sharding import (
    GROW_ABOVE,
    MOST_DIGITS,
    OBJECT,
    SHRINK_BELOW,
    Bounds,
    Sharding,
    bounds,
    divide,
    mounted_by,
    suffices,
    target,
)
from merchantroute_operator.resources.workload.pod import pod_template
from tests.unit.operator.route_samples import a_route

ROUTE = a_route()
EVERY = st.integers(0, MOST_DIGITS)
IDS = st.text(min_size=1, max_size=20)
ENTRIES = st.dictionaries(IDS, st.integers(1, 60_000).map(lambda size: {"endpoint": "x" * size}), max_size=60)
KEYS = st.dictionaries(
    IDS, st.integers(1, LONGEST).map(lambda size: {"type": "Bearer", "token": "x" * size}), max_size=60
)
SHARDINGS = st.builds(Sharding, EVERY, EVERY)


def maps_of(merchants: Mapping[str, Any], digits: int, previous: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The ConfigMaps' data by name."""
    contents = ConfigContents("{}", merchants)
    given: dict[str, Any] = {"now_ms": 0, "credentials_generation": 1, "known_generation": 0}
    _, maps = config_maps(ROUTE, contents, previous, [digits], **given)
    return {body["metadata"]["name"]: body["data"] for body in maps}


def secrets_of(credentials: Mapping[str, Any], digits: int, previous: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    _, secrets = credentials_secrets(ROUTE, credentials, previous, [digits])
    return {body["metadata"]["name"]: body["data"] for body in secrets}


def live(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"data": each} for name, each in data.items()}


@given(ids=st.sets(IDS, max_size=50), digits=EVERY)
def test_every_merchant_is_in_exactly_one_shard(ids: set[str], digits: int) -> None:
    divided = divide(dict.fromkeys(ids, 0), digits)
    assert len(divided) == 16**digits
    assert sorted(merchant for shard in divided.values() for merchant in shard) == sorted(ids)
    assert all(naming.shard(merchant, digits) == shard for shard, found in divided.items() for merchant in found)


@settings(max_examples=40)
@given(merchants=ENTRIES, credentials=KEYS)
def test_no_object_is_larger_than_it_should_be_and_fewer_would_not_do(
    merchants: dict[str, Any], credentials: dict[str, Any]
) -> None:
    needs = bounds(merchants, credentials)
    maps, secrets = maps_of(merchants, needs.least.config, {}), secrets_of(credentials, needs.least.credentials, {})
    room = 40_000  # for the index and what every file begins with
    assert all(sum(map(len, data.values())) <= GROW_ABOVE + room for data in maps.values())
    assert all(sum(len(b64decode(text)) for text in data.values()) <= GROW_ABOVE + room for data in secrets.values())
    if needs.least.config:
        fewer = maps_of(merchants, needs.least.config - 1, {})
        assert max(sum(map(len, data.values())) for data in fewer.values()) > GROW_ABOVE
    assert needs.possible <= needs.least <= needs.roomy
    stored = maps_of(merchants, needs.possible.config, {})
    assert all(sum(map(len, data.values())) <= OBJECT for data in stored.values())


@settings(max_examples=40)
@given(
    merchants=st.dictionaries(IDS, st.just({"endpoint": "https://a.example"}), min_size=1, max_size=40), data=st.data()
)
@pytest.mark.parametrize("make", [maps_of, secrets_of])
def test_an_edit_rewrites_its_own_shard_and_the_index_alone(make: Any, merchants: dict[str, Any], data: Any) -> None:
    digits = data.draw(EVERY)
    before = make(merchants, digits, {})
    changed = data.draw(st.sampled_from(sorted(merchants)) | IDS)
    edit = data.draw(st.sampled_from(["move", "remove"]))
    after = dict(merchants)
    if edit == "remove":
        after.pop(changed, None)
    else:
        after[changed] = {"endpoint": "https://b.example"}
    rewritten = {name for name, body in make(after, digits, live(before)).items() if body != before[name]}
    first = naming.shards(digits)[0]
    name = naming.config_map if make is maps_of else naming.credentials_secret
    assert rewritten <= {name("pos", naming.shard(changed, digits)), name("pos", first)}
    assert bool(rewritten) == (after != merchants)


@given(present=st.lists(SHARDINGS, max_size=3), config=st.integers(0, 2), credentials=st.integers(0, 2), more=SHARDINGS)
def test_what_is_chosen_suffices_and_is_chosen_again(
    present: list[Sharding], config: int, credentials: int, more: Sharding
) -> None:
    least = Sharding(config, credentials)
    roomy = Sharding(max(config, more.config), max(credentials, more.credentials))
    needs = Bounds(least, least, roomy)
    chosen = target(needs, present)
    assert suffices(chosen, needs)
    assert target(needs, [chosen]) == chosen


def test_a_route_that_grows_and_shrinks_by_little_keeps_what_it_has() -> None:
    def needs(size: int) -> Bounds:
        return bounds({"m": {"endpoint": "x" * size}}, {})

    one, sixteen = Sharding(0, 0), Sharding(1, 0)
    assert target(needs(1000), []) == target(needs(GROW_ABOVE - 100), [one]) == one
    of_many = bounds({f"m{number}": {"endpoint": "x" * 1000} for number in range(600)}, {})
    assert target(of_many, [one]) == sixteen
    assert target(needs(GROW_ABOVE - 100), [sixteen])[0] >= 1
    assert target(needs(SHRINK_BELOW - 100), [sixteen]) == one


@pytest.mark.parametrize("mounts", [Sharding(config, credentials) for config in range(3) for credentials in range(3)])
def test_a_pods_volumes_say_what_it_mounts(mounts: Sharding) -> None:
    template = pod_template(ROUTE, ROUTE.tier("standard"), "stable", mounts)
    assert mounted_by("pos", template) == mounts
    assert mounted_by("another", template) is None
    config, credentials, *_ = template["spec"]["volumes"]
    assert len(config["projected"]["sources"]) == 16**mounts.config
    assert len(credentials["projected"]["sources"]) == 16**mounts.credentials


@pytest.mark.parametrize(
    ("merchants", "objects"),
    [(0, 2), (1, 2), (50, 2), (2_000, 2), (20_000, 32)],
)
def test_so_many_objects_has_a_route(merchants: int, objects: int) -> None:
    entries = {
        f"merchant-{n:05}": {"endpoint": f"https://m{n}.pos.example/v1", "tier": "standard"} for n in range(merchants)
    }
    keys = {merchant: {"type": "Bearer", "token": "0123456789abcdef" * 2} for merchant in entries}
    config, credentials = target(bounds(entries, keys), [])
    assert 16**config + 16**credentials == objects
    assert max(len(json.dumps(each)) for each in maps_of(entries, config, {}).values()) < GROW_ABOVE

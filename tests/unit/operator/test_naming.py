"""Names that two routes can never share, and that Kubernetes and RabbitMQ accept."""

from __future__ import annotations

import re

import pytest

from merchantroute_operator import naming

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LONG = "a" * 63


def test_broker_names_are_those_of_the_contract() -> None:
    place = ("orders", "pos")
    assert naming.front_door(*place) == "mr.orders.pos"
    assert naming.router(*place) == "mr.orders.pos.router"
    assert naming.assigned(*place) == "mr.orders.pos.assigned"
    assert naming.default(*place) == "mr.orders.pos.default"
    assert naming.fallback(*place) == "mr.orders.pos.fallback"
    assert naming.dead(*place) == "mr.orders.pos.dead"
    assert naming.suspect(*place) == "mr.orders.pos.suspect"
    assert naming.tier_exchange(*place, "gold") == "mr.orders.pos.gold"
    assert naming.stable_queue(*place, "gold") == naming.stable_exchange(*place, "gold") == "mr.orders.pos.gold.stable"
    assert naming.retry_exchange(*place, "gold") == "mr.orders.pos.gold.retry"
    assert naming.retry_last(*place, "gold") == "mr.orders.pos.gold.retry.last"
    assert naming.rung_queue(*place, "gold", 15000) == "mr.orders.pos.gold.retry.15000"
    assert naming.pulses_exchange("uid") == "mr-pulses.uid"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # the same words, cut elsewhere
        (("a-b", "c", "stable"), ("a", "b-c", "stable")),
        (("a", "b", "c-stable"), ("a", "b-c", "stable")),
        # the route's own lane, and one of a route that is called almost so
        (("a", "suspect", "suspect"), ("a-suspect", "suspect", "suspect")),
        (("a-suspect", "suspect", "suspect"), ("a", "suspect", "suspect-suspect")),
        # the same beginning, cut at 63
        ((LONG, "one", "stable"), (LONG, "two", "stable")),
    ],
)
def test_two_lanes_never_share_a_deployment(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert naming.deployment(*one) != naming.deployment(*other)
    for lane in (one, other):
        assert DNS_LABEL.fullmatch(naming.deployment(*lane))
        assert len(naming.deployment(*lane)) <= 63


def test_a_deployment_can_be_read() -> None:
    assert re.fullmatch(r"pos-suspect-[0-9a-f]{6}", naming.deployment("pos", "suspect", "suspect"))
    assert re.fullmatch(r"pos-enterprise-stable-[0-9a-f]{6}", naming.deployment("pos", "enterprise", "stable"))


def test_no_broker_name_of_a_route_is_too_long_for_an_amqp_name() -> None:
    assert len(naming.rung_queue(LONG, LONG, LONG, 86_400_000).encode()) <= 255


@pytest.mark.parametrize(
    ("merchant", "shard"),
    # first hex digits of the SHA-256 of the id's UTF-8, as sha256sum says
    [("burger-hut", "8e"), ("寿司", "b6"), ("", "e3")],
)
def test_a_merchant_is_always_in_the_same_shard(merchant: str, shard: str) -> None:
    assert [naming.shard(merchant, digits) for digits in range(3)] == ["", shard[0], shard]
    assert all(naming.shard(merchant, digits) in naming.shards(digits) for digits in range(3))


def test_no_two_shards_of_any_number_of_them_have_one_name() -> None:
    shards = [shard for digits in range(3) for shard in naming.shards(digits)]
    assert len({naming.config_map("pos", shard) for shard in shards}) == len(shards) == 1 + 16 + 256
    assert naming.config_map("pos", "") == "pos-mr-config"
    assert naming.credentials_secret("pos", "0f") == "pos-mr-credentials-0f"


def test_an_owner_mark_tells_where_its_route_is() -> None:
    mark = naming.owner("uid", "orders", "pos")
    assert mark == "uid/orders/pos"
    assert naming.place(mark) == ("orders", "pos")

"""Which ends of containers workers are told of, and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.config_maps import render
from merchantroute_operator.resources.configuration.deaths import TELL_AGAIN_MS, deaths, told_deaths
from tests.unit.operator.operator_under_test import World
from tests.unit.operator.pod_samples import a_pod
from tests.unit.operator.resources.test_configuration import check
from tests.unit.operator.route_samples import CLUSTER, a_route, raw_route

TIER = "standard"
AT, AT_MS = "2026-03-01T10:00:00Z", 1_772_359_200_000


def pod(
    *,
    tier: str = TIER,
    lane: str = "stable",
    code: int = 137,
    state: str = "lastState",
    container: str = "worker",
    deleted: bool = False,
    at: str = AT,
) -> dict[str, Any]:
    """A pod of which one container has ended."""  # fmt: skip
    found = a_pod("pos-1")
    found["metadata"]["labels"] = naming.labels("pos", tier, lane)
    if deleted:
        found["metadata"]["deletionTimestamp"] = at
    ended = {state: {"terminated": {"exitCode": code, "finishedAt": at}}}
    found["status"]["containerStatuses"] = [{"name": container, "restartCount": 1, **ended}]
    return found


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (pod(), True),
        (pod(lane="canary"), True),
        (pod(state="state"), True),  # it waits for its restart
        (pod(code=0), True),  # an order may call exit(0) as well
        (pod(deleted=True), True),  # killed at the end of its grace
        (pod(deleted=True, code=0, state="state"), False),  # a clean end
        (pod(container="proxy"), False),
        (pod(tier="suspect", lane="suspect"), False),  # there, an order is alone
        (pod(tier="former"), False),
        (a_pod("pos-1"), False),
    ],
)
def test_a_worker_that_ended_without_being_told_to_is_a_death(ended: dict[str, Any], told: bool) -> None:
    assert deaths(a_route(), {"pos-1": ended}, {}) == ({TIER: AT_MS} if told else {})


def test_a_death_soon_after_the_one_that_was_told_changes_nothing() -> None:
    soon, later = AT_MS - TELL_AGAIN_MS, AT_MS - TELL_AGAIN_MS - 1

    assert deaths(a_route(), {"pos-1": pod()}, {TIER: soon}) == {TIER: soon}
    assert deaths(a_route(), {"pos-1": pod()}, {TIER: later}) == {TIER: AT_MS}
    assert deaths(a_route(), {}, {TIER: AT_MS, "former": 1}) == {TIER: AT_MS}


def test_the_last_of_several_deaths_is_told() -> None:
    pods = {"a": pod(), "b": pod(at="2026-03-01T10:00:01Z"), "c": pod(at="2026-03-01T09:00:00Z")}

    assert deaths(a_route(), pods, {}) == {TIER: AT_MS + 1000}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"deaths": 3}', '{"deaths": {"standard": "soon"}}', "{}"])
def test_a_configuration_that_cannot_be_read_tells_of_none(text: str) -> None:
    maps = {naming.config_map("pos", ""): {"data": {"route.json": text}}}

    assert told_deaths(a_route(), maps) == {}
    assert told_deaths(a_route(), {}) == {}


def test_the_route_s_file_has_them_as_the_schema_says() -> None:
    assert check("config-route", render(a_route(), CLUSTER, {TIER: AT_MS}).route)["deaths"] == {TIER: AT_MS}
    assert "deaths" not in check("config-route", render(a_route(), CLUSTER).route)


def test_a_pod_that_dies_is_told_to_the_others_once() -> None:
    world = World(raw_route())
    world.look()
    config = naming.config_map("pos", "")

    def told() -> tuple[Any, int]:
        data = world.kube.objects["ConfigMap", config]["data"]
        return json.loads(data["route.json"]).get("deaths"), json.loads(data["index.json"])["generation"]

    none, first = told()
    world.kube.objects["Pod", "pos-1"] = pod()
    world.look()
    world.look()

    assert (none, told()) == (None, ({TIER: AT_MS}, first + 1))

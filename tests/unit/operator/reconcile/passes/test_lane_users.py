"""Each lane's pods with a broker user of their own: made, kept, brought to the pods, and gone with the lane."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.kube.kube_port import SecretData
from merchantroute_operator.lane_users.broker_user import BrokerUser, Permissions
from merchantroute_operator.lane_users.password import hashed, matches
from merchantroute_operator.lane_users.user_plan import tag
from merchantroute_operator.resources.lane_user_secret import lane_password
from merchantroute_operator.resources.workload.pod import mounted_broker_secret
from tests.unit.operator.fake_ports import BROKER
from tests.unit.operator.operator_under_test import PROOF, STILL, World, first
from tests.unit.operator.pod_samples import a_pod
from tests.unit.operator.route_samples import CLUSTER, raw_route

PER_LANE = {"secretRef": {"name": "rabbitmq"}, "users": "PerLane"}
LANES = [("enterprise", "stable"), ("standard", "stable"), ("suspect", "suspect")]
MARK = tag(CLUSTER)


def user(tier: str = "standard", lane: str = "stable", route: str = "pos") -> str:
    return naming.lane_user(CLUSTER, "/", "orders", route, tier, lane)


def secret(tier: str = "standard", lane: str = "stable") -> str:
    return naming.lane_user_secret("pos", tier, lane)


def account(name: str) -> BrokerUser:
    """One that this operator may have made."""
    return BrokerUser(name, frozenset({MARK}), hashed("p"), Permissions("^$", "^$", "^$"))


def fresh(**spec: Any) -> World:
    """A route that asks for users, not yet looked at."""
    return World(raw_route(**{"broker": PER_LANE, **spec}))


def made(**spec: Any) -> World:
    """One that has them, and its Deployments."""
    world = fresh(**spec)
    world.look()
    world.look()
    return world


def mounted(world: World) -> dict[str, str]:
    """Deployment -> the Secret that its next pod mounts."""
    return {
        name: mounted_broker_secret(body["spec"]["template"]["spec"])
        for (kind, name), body in world.kube.objects.items()
        if kind == "Deployment"
    }


def start_pod(world: World, tier: str = "standard", lane: str = "stable") -> None:
    """A ready pod of the lane, as its template is now."""
    template = world.kube.objects["Deployment", naming.deployment("pos", tier, lane)]["spec"]["template"]
    world.kube.objects["Pod", f"{tier}-1"] = {**a_pod(f"{tier}-1", tier=tier, lane=lane), "spec": template["spec"]}


def password(world: World, tier: str = "standard", lane: str = "stable") -> str:
    found = lane_password(world.kube.objects["Secret", secret(tier, lane)])
    assert found is not None
    return found


def end(world: World) -> None:
    """Passes until the route is gone."""
    for _ in range(PROOF + 2):
        world.look()
        world.at += STILL
    assert world.kube.stored is not None
    assert world.kube.stored["metadata"]["finalizers"] == []


def test_nobody_gets_a_user_who_did_not_ask_for_one() -> None:
    world = World(raw_route())
    world.look()
    assert world.broker.accounts == {}
    assert set(mounted(world).values()) == {"rabbitmq"}
    assert "LaneUsersReady" not in [each["type"] for each in world.kube.status["conditions"]]


def test_each_lane_has_a_user_before_its_secret_and_that_before_its_pods() -> None:
    world = fresh()
    world.look()
    assert set(world.broker.accounts) == {user(*lane) for lane in LANES}
    assert mounted(world) == {naming.deployment("pos", *lane): secret(*lane) for lane in LANES}
    order = [
        first(world.log, f"put user {user()}"),
        first(world.log, f"permit {user()}"),
        first(world.log, "apply Secret"),
        first(world.log, "create Deployment"),
    ]
    assert order == sorted(order)
    assert world.condition("LaneUsersReady")[:2] == ("True", "AsWanted")


def test_a_lanes_secret_says_all_that_a_pod_needs_and_its_password_is_the_users() -> None:
    world = fresh()
    world.kube.secrets["rabbitmq"] = SecretData(
        "rabbitmq", {}, {**BROKER, "ca.crt": b"PEM", "management_uri": b"http://r:1"}
    )
    world.look()
    data = {key: b64decode(value).decode() for key, value in world.kube.objects["Secret", secret()]["data"].items()}
    found = data.pop("password")
    assert data == {"host": "rabbit", "port": "5672", "vhost": "/", "tls": "true", "ca.crt": "PEM", "username": user()}
    assert matches(found, world.broker.accounts[user()].password_hash)
    assert len({password(world, *lane) for lane in LANES}) == len(LANES)


def test_a_password_is_in_no_status_no_event_and_no_other_object() -> None:
    world = made()
    start_pod(world)
    del world.kube.objects["Secret", secret()]
    world.broker.accounts[user("enterprise")] = account(user("enterprise"))
    world.look()
    shown = json.dumps(
        [world.kube.status, world.kube.events, [o for key, o in world.kube.objects.items() if key[0] != "Secret"]]
    )
    state = repr(world.reconciler.states[("orders", "pos")])
    assert [lane for lane in LANES if password(world, *lane) in shown + state] == []
    annotations = [o["metadata"].get("annotations") for key, o in world.kube.objects.items() if key[0] == "Secret"]
    assert password(world) not in json.dumps(annotations)


def test_a_pass_over_lanes_that_have_their_users_writes_nothing() -> None:
    world = made()
    world.look()
    assert world.log == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, "was deleted: made again"),
        ({"permissions": None}, "was changed: put back"),
        ({"permissions": Permissions(".*", ".*", ".*")}, "was changed: put back"),
        ({"password_hash": hashed("x")}, "was changed: put back"),
        ({"tags": frozenset({MARK, "administrator"})}, "was changed: put back"),
    ],
    ids=["deleted", "no rights", "all rights", "another password", "another tag"],
)
def test_what_somebody_does_to_a_user_is_put_back_and_told(change: dict[str, Any] | None, told: str) -> None:
    world = made()
    before, kept = dict(world.broker.accounts), password(world)
    if change is None:
        del world.broker.accounts[user()]
    else:
        world.broker.accounts[user()] = replace(before[user()], **change)
    world.look()
    found = world.broker.accounts[user()]
    assert (found.tags, found.permissions) == (before[user()].tags, before[user()].permissions)
    assert matches(kept, found.password_hash)
    assert password(world) == kept
    assert [event for event in world.kube.events if f"user {user()}" in event and told in event]
    world.look()
    assert world.log == []


def test_a_deleted_secret_is_another_password_which_reaches_the_pods_at_once() -> None:
    world = made()
    start_pod(world)
    world.kube.mutate = lambda body: {**body, "metadata": {**body["metadata"], "resourceVersion": "77"}}
    before = password(world)
    del world.kube.objects["Secret", secret()]
    world.look()
    assert password(world) != before
    assert matches(password(world), world.broker.accounts[user()].password_hash)
    assert first(world.log, f"put user {user()}") < first(world.log, "apply Secret")
    assert world.kube.objects["Pod", "standard-1"]["metadata"]["annotations"][naming.ANNOTATION_BROKER] == "77"


def test_a_weak_password_in_the_secret_is_replaced() -> None:
    world = made()
    world.kube.objects["Secret", secret()]["data"]["password"] = "aHVudGVyMg=="
    world.look()
    found = b64decode(world.kube.objects["Secret", secret()]["data"]["password"]).decode()
    assert len(found) == 43
    assert matches(found, world.broker.accounts[user()].password_hash)


def test_a_rotated_authority_comes_into_the_lanes_secrets() -> None:
    world = made()
    kept = password(world)
    world.kube.secrets["rabbitmq"] = SecretData("rabbitmq", {}, {**BROKER, "ca.crt": b"NEW"}, "2")
    world.look()
    assert b64decode(world.kube.objects["Secret", secret()]["data"]["ca.crt"]) == b"NEW"
    assert password(world) == kept
    world.kube.secrets["rabbitmq"] = SecretData("rabbitmq", {}, BROKER, "3")
    world.look()
    assert "put user" not in str(world.log)
    assert "apply Secret" in world.log, "a key that is no longer wanted is a difference too"


def test_an_operator_that_ends_between_user_and_secret_makes_another_password() -> None:
    world = fresh()
    world.broker.accounts[user()] = account(user())
    world.look()
    assert matches(password(world), world.broker.accounts[user()].password_hash)


def test_pods_of_the_app_before_keep_what_they_publish_to_until_they_have_gone() -> None:
    world = made(worker={"image": "shop:1", "app": "shop.celery"})
    start_pod(world)

    def publishes_others(tier: str) -> bool:
        rights = world.broker.accounts[user(tier)].permissions
        return rights is not None and re.search(rights.write, "mr.orders.pos") is not None

    world.change(broker=PER_LANE)
    world.look()
    assert (publishes_others("standard"), publishes_others("enterprise")) == (True, False)
    del world.kube.objects["Pod", "standard-1"]
    world.look()
    assert not publishes_others("standard")


def test_a_paused_route_says_what_differs_and_changes_nothing() -> None:
    world = made()
    world.change(broker=PER_LANE, paused=True)
    before = world.broker.accounts = {**world.broker.accounts, user(): account(user())}
    world.look()
    assert world.broker.accounts == before
    assert f"user {user()} is missing, or has another password or tag" in world.condition("Drifted")[2]

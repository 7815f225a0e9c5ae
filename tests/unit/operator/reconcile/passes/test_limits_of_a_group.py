"""A group of merchants with limits, or held by hand, from the route to the configuration that pods read."""

import json

from tests.unit.operator.own_queue_world import MERCHANT, PODS, OwnFleet, own_fleet

HOST = f"{MERCHANT}.example"
MERCHANTS = {MERCHANT: "standard", "bar": "enterprise"}
LIMITED = {"pinned": [], "groups": [{"name": HOST, "limits": {"maxInFlight": 3, "maxRate": 50}}]}


def group_parts(world: OwnFleet) -> list[int]:
    """What each pod may have in flight of the group."""
    tier = json.loads(world.config()["own.json"])["tiers"]["standard"]
    [group] = tier["groups"]
    assert (group["name"], group["rate"]) == (HOST, 50.0)
    assert tier["pods"] == list(PODS)
    return sorted(group["parts"])


def test_a_merchant_of_a_group_with_limits_has_a_queue_and_pods_have_the_group_s_parts() -> None:
    world = own_fleet(isolation=LIMITED)
    world.turn(times=6)

    [own] = world.kube.status["ownQueues"]
    assert (own["merchant"], own["why"], own["stage"], own["share"]) == (MERCHANT, "Limited", "Open", 3)
    assert group_parts(world) == [1, 2]
    assert world.own()[MERCHANT]["group"] == HOST


def test_other_limits_of_the_group_are_told_to_pods_and_without_any_the_queue_goes() -> None:
    world = own_fleet(isolation=LIMITED)
    world.turn(times=6)
    world.change(
        merchants=MERCHANTS,
        isolation={**LIMITED, "groups": [{"name": HOST, "limits": {"maxInFlight": 8, "maxRate": 50}}]},
    )
    world.turn(times=4)
    assert group_parts(world) == [4, 4]

    world.change(merchants=MERCHANTS, isolation={"pinned": [MERCHANT]})
    world.turn(times=4)
    assert "groups" not in world.config()["own.json"]
    assert "group" not in world.own()[MERCHANT]


def test_a_group_that_is_held_by_annotation_has_no_part_anywhere_and_the_status_says_until_when() -> None:
    world = own_fleet(isolation={"pinned": []})
    until = json.dumps({HOST: "2099-01-01T00:00:00Z"})
    assert world.kube.stored is not None
    world.kube.stored["metadata"]["annotations"] = {"merchantroute.dev/groups-held-until": until}
    world.look()
    world.turn(times=6)

    assert [(own["merchant"], own["why"]) for own in world.kube.status["ownQueues"]] == [(MERCHANT, "Held")]
    assert world.own()[MERCHANT]["parts"] == [0, 0]
    [isolating] = [each for each in world.kube.status["conditions"] if each["type"] == "Isolating"]
    assert f"Held by hand: {HOST} (until 2099-01-01T00:00:00Z)" in isolating["message"]

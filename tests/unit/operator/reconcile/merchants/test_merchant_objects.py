"""Merchant objects through whole passes, both ports in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.merchants.claims import REREAD, Claims
from merchantroute_operator.reconcile.merchants.status_writer import MerchantStatusWriter
from merchantroute_operator.reconcile.reconciler import MERCHANTS_CALM, MERCHANTS_SETTLE
from merchantroute_operator.spec.claim import parse_claim
from merchantroute_operator.work_queue import SETTLE
from tests.unit.operator.fake_ports import MemoryKube
from tests.unit.operator.merchant_samples import a_claim, raw_merchant
from tests.unit.operator.operator_under_test import DOOR, KEY, World
from tests.unit.operator.route_samples import raw_route


def shop(world: World, *merchants: dict[str, Any]) -> None:
    """``kubectl apply``, heard of by the watch."""
    for merchant in merchants:
        world.kube.claims[merchant["metadata"]["name"]] = merchant
        world.reconciler.merchant_changed(merchant, gone=False)


def tell(world: World) -> None:
    """What the background does: write all that waits."""

    async def all_of_them() -> None:
        while world.reconciler.status_writer.waiting:
            await world.reconciler.status_writer.write_one()

    asyncio.run(all_of_them())


def state(world: World, name: str) -> tuple[str, str]:
    status = world.kube.claims[name]["status"]
    return status["state"], status["reason"]


def test_a_merchant_object_is_bound_configured_and_told() -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    shop(world, raw_merchant("taco"))
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.enterprise", "taco": f"{DOOR}.standard"}
    files = str([body["data"] for (kind, _), body in world.kube.objects.items() if kind == "ConfigMap"])
    assert "https://taco.example" in files
    tell(world)
    assert state(world, "taco") == ("Active", "AsWanted")
    assert world.kube.claims["taco"]["status"]["tier"] == "standard"
    assert world.kube.status["totals"]["merchants"] == 2


def test_idle_merchants_cause_no_writes() -> None:
    world = World(raw_route())
    shop(world, *(raw_merchant(f"m{n}") for n in range(50)))
    world.look()
    world.look()
    tell(world)
    for _ in range(3):
        world.at += 60
        world.look()
        assert world.reconciler.status_writer.waiting == 0
        assert world.log == []


def test_merchants_of_before_the_operators_start_are_there_in_its_first_pass() -> None:
    """No event has come yet: a pass without them would send their orders to the default tier."""
    world = World(raw_route())
    world.kube.claims["taco"] = raw_merchant("taco", "enterprise")
    world.look()
    assert world.bound() == {"taco": f"{DOOR}.enterprise"}


def test_a_merchant_that_goes_is_let_go() -> None:
    world = World(raw_route())
    shop(world, raw_merchant("taco"))
    world.look()
    world.reconciler.merchant_changed(world.kube.claims.pop("taco"), gone=True)
    world.look()
    assert world.bound() == {}


def test_a_deletion_that_the_watch_missed_is_found_in_time() -> None:
    world = World(raw_route())
    shop(world, raw_merchant("taco"))
    world.look()
    del world.kube.claims["taco"]
    world.look()
    assert world.bound() == {"taco": f"{DOOR}.standard"}
    world.at += REREAD + 1
    world.look()
    assert world.bound() == {}


def test_a_conflict_is_shown_on_the_route_and_on_the_merchant_and_spoils_nothing() -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    shop(world, raw_merchant("team-hut", id="hut"))
    world.look()
    tell(world)
    assert world.bound() == {"hut": f"{DOOR}.enterprise"}
    assert world.condition("Conflicted")[:2] == ("True", "MerchantsClaimedTwice")
    assert "team-hut" in world.condition("Conflicted")[2]
    assert state(world, "team-hut") == ("Refused", "Conflicted")
    assert world.condition()[1] != "MerchantsClaimedTwice"


def test_a_merchant_without_its_secret_says_so_itself_and_leaves_the_route_alone() -> None:
    world = World(raw_route())
    shop(world, raw_merchant("taco", credentials={"type": "Bearer", "secretRef": {"name": "taco-pos"}}))
    assert world.look() == 60.0
    tell(world)
    assert state(world, "taco") == ("Pending", "CredentialsUnusable")
    assert world.condition()[1] != "CredentialsUnusable"


def test_a_merchant_of_no_route_is_told_so_and_taken_when_the_route_comes() -> None:
    world = World(raw_route())
    route, world.kube.stored = world.kube.stored, None
    shop(world, raw_merchant("taco"))
    world.look()
    tell(world)
    assert state(world, "taco") == ("Refused", "RouteMissing")
    world.kube.stored = route
    world.look()
    tell(world)
    assert state(world, "taco") == ("Active", "AsWanted")


def test_nothing_is_written_to_the_merchants_of_a_namespace_that_goes() -> None:
    world = World(raw_route())
    world.kube.stored, world.kube.terminating = None, True
    shop(world, raw_merchant("taco"))
    assert world.look() is None
    tell(world)
    assert world.log == []


def test_a_cluster_without_the_kind_works_on_and_its_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.kube.has_merchants = False
    world.look()
    world.at += REREAD + 1
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.enterprise"}
    assert [record.message for record in caplog.records if "does not have the kind Merchant" in record.message] == [
        "the cluster does not have the kind Merchant, so routes have only what their spec.merchants lists: "
        "kubectl apply --server-side -k crds, if teams are to keep merchants of their own"
    ]
    world.kube.has_merchants = True
    shop(world, raw_merchant("taco"))
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.enterprise", "taco": f"{DOOR}.standard"}


def test_a_paused_route_takes_nobody_in_and_says_why() -> None:
    world = World(raw_route())
    world.look()
    world.change(paused=True)
    shop(world, raw_merchant("taco"))
    world.look()
    tell(world)
    assert world.bound() == {}
    assert state(world, "taco") == ("Pending", "Binding")
    assert "the route is paused" in world.kube.claims["taco"]["status"]["message"]


def test_a_steady_stream_of_new_merchants_does_not_keep_the_first_from_being_bound() -> None:
    world = World(raw_route())
    shop(world, raw_merchant("m0"))
    world.look()
    world.start_pods()
    generation = 1
    world.pulse("pod-1", generation)
    for n in range(1, 4):  # each pass meets a merchant that pods cannot know yet
        shop(world, raw_merchant(f"m{n}"))
        assert world.look() == 1.0
        world.pulse("pod-1", world.kube.status["configGeneration"])
    assert len(world.bound()) >= 2
    while len(world.bound()) < 4:
        assert world.look() is not None
        world.pulse("pod-1", world.kube.status["configGeneration"])


@dataclass
class Heard:
    """The index, and which routes it called for."""

    kube: MemoryKube = field(default_factory=lambda: MemoryKube([], None))
    routes: list[tuple[str, str]] = field(default_factory=list)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.claims = Claims(self.kube, self.routes.append, lambda: self.at)


def test_a_status_that_comes_back_by_the_watch_is_nothing_new() -> None:
    heard = Heard()
    heard.claims.put(a_claim())
    heard.routes.clear()
    newer = raw_merchant()
    newer["metadata"]["resourceVersion"] = "200"
    newer["status"] = {"state": "Active"}
    heard.claims.put(parse_claim(newer))
    assert heard.routes == []
    assert heard.claims.refreshed(a_claim()).status == {"state": "Active"}
    heard.claims.put(a_claim())  # an older reading that arrives late
    assert heard.claims.refreshed(a_claim()).status == {"state": "Active"}


def test_one_that_changes_its_route_is_missed_there_and_welcome_here() -> None:
    heard = Heard()
    heard.claims.put(a_claim())
    heard.routes.clear()
    moved = raw_merchant(routeRef={"name": "other"})
    moved["metadata"] |= {"resourceVersion": "101", "generation": 2}
    heard.claims.put(parse_claim(moved))
    assert heard.routes == [KEY, ("orders", "other")]
    heard.kube.claims["taco"] = moved
    assert asyncio.run(heard.claims.of(KEY)) == ()


def test_one_that_goes_while_the_namespace_is_read_does_not_come_back() -> None:
    heard = Heard()

    class Slow(MemoryKube):
        async def merchants(self, namespace: str) -> list[Object] | None:
            heard.claims.drop(a_claim())
            return await super().merchants(namespace)

    heard.claims = Claims(Slow([], None, claims={"taco": raw_merchant()}), heard.routes.append, lambda: 0.0)
    assert asyncio.run(heard.claims.of(KEY)) == ()


def test_a_namespace_that_takes_long_to_read_holds_up_no_other() -> None:
    class Slow(MemoryKube):
        async def merchants(self, namespace: str) -> list[Object] | None:
            if namespace == "crowded":
                await asyncio.Event().wait()
            return await super().merchants(namespace)

    async def both() -> tuple[int, bool]:
        claims = Claims(Slow([], None, claims={"taco": raw_merchant()}), lambda _: None, lambda: 0.0)
        crowded = asyncio.create_task(claims.of(("crowded", "pos")))
        await asyncio.sleep(0)
        found = len(await asyncio.wait_for(claims.of(KEY), 10))
        waits = not crowded.done()
        crowded.cancel()
        return found, waits

    assert asyncio.run(both()) == (1, True)


def test_a_status_that_is_wanted_twice_is_written_once_as_wanted_last() -> None:
    heard = Heard()
    heard.kube.claims["taco"] = raw_merchant()
    heard.claims.put(a_claim())

    async def run() -> None:
        status_writer = MerchantStatusWriter(heard.kube, heard.claims)
        status_writer.want(a_claim(), {"state": "Pending"})
        status_writer.want(a_claim(), {"state": "Active"})
        writing = asyncio.create_task(status_writer.run())
        while status_writer.waiting or not heard.kube.log:
            await asyncio.sleep(0)
        writing.cancel()
        status_writer.want(a_claim(), {"state": "Active"})
        assert status_writer.waiting == 0

    asyncio.run(run())
    assert heard.kube.log == ["status of taco"]
    assert heard.kube.claims["taco"]["status"] == {"state": "Active"}


def test_in_a_crowd_what_stays_is_told_before_what_passes() -> None:
    heard = Heard()
    for name in ("first", "second", "third"):
        heard.kube.claims[name] = raw_merchant(name)
        heard.claims.put(a_claim(name))
    status_writer = MerchantStatusWriter(heard.kube, heard.claims)
    for name, state in (("first", "Pending"), ("second", "Active"), ("third", "Pending"), ("first", "Active")):
        status_writer.want(a_claim(name), {"state": state})

    async def run() -> None:
        while status_writer.waiting:
            await status_writer.write_one()

    asyncio.run(run())
    assert heard.kube.log == ["status of second", "status of first", "status of third"]


def test_the_first_that_changes_waits_for_no_others_and_those_after_it_do(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(raw_route())
    asked: list[float] = []
    monkeypatch.setattr(world.reconciler.queue, "add", lambda _, after: asked.append(after))
    world.look()
    world.at += MERCHANTS_CALM
    shop(world, raw_merchant("taco"))
    world.look()
    shop(world, raw_merchant("pizza"))
    assert asked == [SETTLE, MERCHANTS_SETTLE]

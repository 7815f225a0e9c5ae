"""A canary through its life, with both ports in memory: started, diverted to, judged, aborted, taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from merchantroute_operator.errors import BrokerUnreachable
from merchantroute_operator.scaling.types import Pulse
from tests.unit.operator.routes import raw_route
from tests.unit.operator.test_passes import DOOR, KEY
from tests.unit.operator.test_suspect_lane import Fleet

TIER = f"{DOOR}.standard"
CANARY = f"{TIER}.canary"
WALK = {"steps": [5, 50], "interval": "1m", "minOrders": 50}
ANNOTATION = "merchantroute.dev/canary"


class Road(Fleet):
    """One tier with a canary."""

    def lanes(self) -> dict[str, dict[str, Any]]:
        """Lane -> Deployment of the tier."""
        found = (body for (kind, _), body in self.kube.objects.items() if kind == "Deployment")
        return {
            body["metadata"]["labels"]["merchantroute.dev/lane"]: body
            for body in found
            if body["metadata"]["labels"]["merchantroute.dev/tier"] == "standard"
        }

    def live(self) -> dict[str, Any]:
        """By tier, the canary's as such."""
        return {**super().live(), **{f"standard {lane}": body for lane, body in self.lanes().items()}}

    def share(self) -> int:
        """Percent of the orders that go to the canary, as the broker is bound."""
        (way,) = [b.target for b in self.broker.topology.bindings if b.source == TIER] or [""]
        parts = {b.target: int(b.key) for b in self.broker.topology.bindings if way and b.source == way}
        assert not parts or sum(parts.values()) == 100
        return parts.get(CANARY, 0)

    def rewrite(self, canary: dict[str, Any] | None) -> None:
        self.change(**spec_of(canary))

    def annotate(self, text: str) -> None:
        assert self.kube.stored is not None
        self.kube.stored["metadata"]["annotations"] = {ANNOTATION: text}

    def annotations(self) -> dict[str, str]:
        assert self.kube.stored is not None
        return self.kube.stored["metadata"].get("annotations", {})

    def work(self, lane: str, finished: int, failed: int = 0) -> None:
        """A pod of the lane has done so much since it started."""
        self.board.put(
            Pulse(
                f"pod-{lane}", *KEY, "standard", lane,
                started=0, at=self.at, generation=1, slots=10, busy=1, busy_seconds=finished * 0.5,
                taken=0, finished=finished, refused=0, retried=failed, dead=0,
            )
        )  # fmt: skip

    def phase(self) -> tuple[str, int]:
        (canary,) = self.kube.status["canaries"]
        return canary["phase"], canary["weight"]


def spec_of(canary: dict[str, Any] | None) -> dict[str, Any]:
    return {"tiers": [{"name": "standard", **({"canary": canary} if canary is not None else {})}]}


def road(canary: dict[str, Any]) -> Road:
    """A route whose canary has a ready pod and gets its orders."""
    world = Road(raw_route(**spec_of(canary)))
    world.settle()
    world.settle()
    return world


def test_orders_are_parted_once_the_canary_has_a_ready_pod() -> None:
    world = Road(raw_route(**spec_of({"weight": 20, "image": "worker:2", "pool": "prefork", "concurrency": 4})))
    world.look()
    assert world.share() == 0
    assert world.phase() == ("Starting", 0)
    assert world.condition("Progressing")[1] == "CanaryStarting"
    assert CANARY in world.broker.topology.queues
    container = world.lanes()["canary"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "worker:2"
    assert container["args"][2:] == ["--pool", "prefork", "--concurrency", "4"]
    world.settle()
    world.settle()
    assert world.share() == 20
    assert world.phase() == ("Fixed", 20)
    assert [(lane["tier"], lane["lane"]) for lane in world.kube.status["lanes"]][:2] == [
        ("standard", "stable"),
        ("standard", "canary"),
    ]
    world.log.clear()
    world.look()
    assert world.log == []


def test_by_hand_from_5_to_100_to_0_and_back() -> None:
    world = road({"weight": 5})
    for weight in (50, 100, 0, 30):
        world.rewrite({"weight": weight})
        world.look()
        assert world.share() == weight
        assert "canary" in world.lanes()
    assert len([name for name in world.broker.topology.exchanges if ".split." in name]) == 1


def test_a_canary_that_is_not_wanted_any_more_goes_once_its_queue_is_empty() -> None:
    world = road({"weight": 50})
    world.broker.held = {CANARY: 3}
    world.rewrite(None)
    world.look()
    assert world.share() == 0
    assert "canary" in world.lanes()  # its pods work off what it holds
    assert not [line for line in world.log if line.startswith("move")]
    world.broker.held = {}
    for _ in range(2):
        world.look()
        world.at += 16
    world.look()
    assert CANARY not in world.broker.topology.queues
    assert "canary" not in world.lanes()
    assert "canaries" not in world.kube.status


def test_the_annotation_aborts_at_once_and_what_the_canary_holds_is_moved() -> None:
    world = road({"weight": 50})
    world.broker.held = {CANARY: 7}
    world.change(**spec_of({"weight": 50}), merchants={"hut": "standard"})  # something else to do
    world.annotate("abort:standard")
    world.look()
    assert "apply ConfigMap" in world.log
    unbound = world.log.index(f"unbind {TIER}")
    assert not [line for line in world.log[:unbound] if line.startswith(("apply", "declare", "bind"))]
    assert world.share() == 0
    assert "canary" not in world.lanes()
    assert f"move {CANARY} to {DOOR}.router" in world.log
    assert world.phase() == ("Aborted", 0)
    assert any(event.startswith("Warning CanaryAborted: standard: by annotation") for event in world.kube.events)
    assert ANNOTATION in world.annotations()
    world.look()
    assert ANNOTATION not in world.annotations()
    for _ in range(3):
        world.at += 16
        world.look()
    assert world.phase() == ("Aborted", 0)
    assert CANARY not in world.broker.topology.queues
    world.rewrite({"weight": 10})
    for _ in range(3):
        world.settle()
    assert world.share() == 10


def test_promote_sends_everything_to_the_canary() -> None:
    world = road(WALK)
    world.annotate("promote:standard")
    world.look()
    assert world.share() == 100
    world.look()
    assert (world.phase(), world.annotations()) == (("Promoted", 100), {})


def test_an_annotation_that_means_nothing_is_told_and_taken_away() -> None:
    world = road({"weight": 5})
    for text in ("abort:gold", "stop"):
        world.annotate(text)
        world.look()
        assert world.annotations() == {}
        assert f'Warning CanaryAnnotationIgnored: "{text}": write abort:<tier>' in world.kube.events[-1]
    assert world.share() == 5


def test_a_walk_goes_on_when_it_is_good_and_the_spec_stays_as_it_was_written() -> None:
    world = road(WALK)
    assert (world.share(), world.phase()) == (5, ("Walking", 5))
    before = world.kube.stored
    for finished in (0, 60, 120):
        world.work("stable", finished * 20)
        world.work("canary", finished)
        world.tick(31)
        world.look()
    assert (world.share(), world.phase()) == (50, ("Walking", 50))
    assert world.kube.stored == before
    assert any("CanaryWalking: standard: 50 % of the orders, step 2 of 2" in event for event in world.kube.events)


def test_a_walk_that_turns_bad_is_noticed_by_the_next_tick_and_aborted_with_the_figures() -> None:
    world = road(WALK)
    world.work("stable", 0)
    world.work("canary", 0)
    world.tick()
    world.look()
    world.work("stable", 1000)
    world.work("canary", 40, failed=30)
    assert not world.reconciler.states[KEY].full
    world.tick()
    assert world.reconciler.states[KEY].full
    world.look()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))
    assert any("CanaryAborted" in e and "30 of 40 attempts failed (75.0%)" in e for e in world.kube.events)


def test_a_walk_whose_pods_do_not_stay_up_is_aborted() -> None:
    world = road(WALK)
    canary = world.lanes()["canary"]
    canary["status"] = {"replicas": 1, "readyReplicas": 0, "updatedReplicas": 1}
    world.tick(times=20)
    world.look()
    assert world.phase() == ("Aborted", 0)


def test_a_new_operator_goes_on_where_the_status_says() -> None:
    world = road(WALK)
    world.kube.status["canaries"][0] |= {"weight": 50, "step": 1}
    world.reconciler.states.clear()
    world.settle()
    assert (world.share(), world.phase()) == (50, ("Walking", 50))


def test_an_aborted_canary_stays_so_through_a_new_operator_that_cannot_reach_the_broker() -> None:
    world = road({"weight": 50})
    world.annotate("abort:standard")
    world.look()
    world.look()
    world.reconciler.states.clear()
    world.broker.failing = BrokerUnreachable("no answer")
    world.look()
    assert world.phase() == ("Aborted", 0)
    world.broker.failing = None
    world.settle()
    world.settle()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))


def test_a_deletion_right_after_an_abort_drains_what_the_canary_held() -> None:
    world = road({"weight": 50})
    world.annotate("abort:standard")
    world.look()
    world.broker.held = {CANARY: 4}
    world.delete(policy="Drain")
    world.look()
    assert f"move {CANARY} to {TIER}.stable" in world.log


def test_stable_is_sized_for_the_whole_tier() -> None:
    world = road({"weight": 100})
    world.broker.held = {CANARY: 100_000}
    world.tick()
    world.tick()
    lanes = world.lanes()
    assert lanes["stable"]["spec"]["replicas"] == lanes["canary"]["spec"]["replicas"] == 10


def test_force_and_drain_take_the_canary_with_them() -> None:
    world = road({"weight": 50})
    world.broker.held = {CANARY: 2}
    world.delete(policy="Drain")
    world.look()
    assert "2 orders" in world.condition("Progressing")[2]
    world.broker.held = {}
    for _ in range(3):
        world.at += 16
        world.look()
    assert set(world.broker.topology.queues) == {f"{DOOR}.dead"}
    assert not world.lanes()


def test_a_paused_route_keeps_its_share_and_its_annotation_waits() -> None:
    world = road({"weight": 50})
    assert world.kube.stored is not None
    world.kube.stored["spec"]["paused"] = True
    world.annotate("abort:standard")
    world.tick()
    world.look()
    assert (world.share(), world.phase()) == (50, ("Fixed", 50))
    assert ANNOTATION in world.annotations()
    world.kube.stored["spec"]["paused"] = False
    world.look()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))


def test_a_walk_that_turns_bad_while_the_route_is_paused_is_left_as_it_is_and_nothing_is_called_different() -> None:
    world = road(WALK)
    assert world.kube.stored is not None
    world.work("canary", 0)
    world.tick()
    world.kube.stored["spec"]["paused"] = True
    world.look()
    world.work("canary", 40, failed=30)
    world.tick()
    assert not world.reconciler.states[KEY].full
    world.look()
    assert (world.share(), world.phase()) == (5, ("Walking", 5))
    assert world.condition("Drifted")[0] == "False"
    world.kube.stored["spec"]["paused"] = False
    world.look()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))


def test_a_change_of_weight_is_no_repair_and_a_split_that_somebody_changed_is_one() -> None:
    world = road({"weight": 50})
    for weight in (60, 0, 40):
        world.rewrite({"weight": weight})
        world.look()
        world.look()
    assert not [event for event in world.kube.events if "Repaired" in event]
    topology = world.broker.topology
    split = next(name for name in topology.exchanges if ".split." in name)
    world.broker.topology = replace(
        topology, bindings=frozenset(b for b in topology.bindings if (b.source, b.target) != (split, CANARY))
    )
    world.look()
    assert world.share() == 40
    assert split not in world.broker.topology.exchanges
    assert [event for event in world.kube.events if "Repaired" in event]

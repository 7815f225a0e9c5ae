"""Pods say which merchants are slow; a lane's status says how many there are, each counted once."""

from merchantroute_operator.scaling.model import Pulse
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import fleet


def pulse(at: float, pod: str, *slow: str, tier: str = "standard") -> Pulse:
    return Pulse(pod, *KEY, tier, "stable", 0, at, 1, 0, 0.0, 0, 0, 0, slow=frozenset(slow))


def test_a_merchant_that_is_slow_in_two_pods_counts_once_and_only_in_its_own_lane() -> None:
    world = fleet()
    world.hear(pulse(world.at, "pod-1", "hung", "late"))
    world.hear(pulse(world.at, "pod-2", "hung"))
    world.hear(pulse(world.at, "pod-3", tier="enterprise"))
    world.tick()
    world.look()

    shown = {lane["tier"]: lane.get("slowMerchants") for lane in world.kube.status["lanes"]}
    assert (shown["standard"], shown.get("enterprise")) == (2, 0)

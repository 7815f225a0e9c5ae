"""Pods say which merchants are slow or asked for time; a lane's status says how many there are, each counted once."""

from dataclasses import replace

from merchantroute_operator.scaling.model import Pulse
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import fleet


def pulse(at: float, pod: str, *slow: str, tier: str = "standard", paused: tuple[str, ...] = ()) -> Pulse:
    told = Pulse(pod, *KEY, tier, "stable", 0, at, 1, 0, 0.0, 0, 0, 0)
    return replace(told, slow=frozenset(slow), paused=frozenset(paused))


def test_a_merchant_that_is_slow_or_paused_in_two_pods_counts_once_and_only_in_its_own_lane() -> None:
    world = fleet()
    world.hear(pulse(world.at, "pod-1", "hung", "late", paused=("busy",)))
    world.hear(pulse(world.at, "pod-2", "hung", paused=("busy",)))
    world.hear(pulse(world.at, "pod-3", tier="enterprise"))
    world.tick()
    world.look()

    shown = {lane["tier"]: (lane["slowMerchants"], lane["pausedMerchants"]) for lane in world.kube.status["lanes"][:2]}
    assert shown == {"standard": (2, 1), "enterprise": (0, 0)}

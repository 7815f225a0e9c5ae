"""A pod that never loads the configuration takes no part of an own queue away from those that do."""

from __future__ import annotations

import pytest

from merchantroute_operator.isolation.model import MerchantFigures
from tests.unit.operator.own_queue_world import MERCHANT, PODS, own_fleet


@pytest.mark.parametrize("lagging", PODS)
def test_the_only_part_goes_to_a_pod_that_loads_it(lagging: str) -> None:
    world = own_fleet(isolation={"mode": "Automatic"})
    old = world.generation()
    (other,) = set(PODS) - {lagging}
    for failed in range(80):
        hangs = MerchantFigures(MERCHANT, in_flight=1, slow=True, failed=min(failed, 40))
        world.say(hangs, pods=(other,))
        world.say(hangs, pods=(lagging,), generation=old)
        world.tick()
        world.look()
    own = world.own()[MERCHANT]
    assert own["bound"]
    assert dict(zip(own["pods"], own["parts"], strict=True)) == {other: 1, lagging: 0}

"""Routes drawn at random, to change one into another: tiers, default tier, rungs and merchants, all at once."""

from __future__ import annotations

import random
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.objects import Topology
from merchantroute_operator.topology.splits import choose
from tests.unit.operator.order_routing import NOTHING
from tests.unit.operator.route_samples import OWNER, a_route

PLACE = ("orders", "pos")
DOOR = naming.front_door(*PLACE)
TIERS = ("enterprise", "standard", "longtail", "vip")
DELAYS = ("1s", "5s", "15s", "2m")
MERCHANTS = tuple(f"m{number}" for number in range(6))
UNLISTED = "nobody-knows-me"


WEIGHTS = (0, 5, 20, 50, 80, 100)


def a_random_route(dice: random.Random) -> Route:
    """Any route of these tiers, delays, merchants and canaries."""
    tiers = dice.sample(TIERS, dice.randint(1, len(TIERS)))
    listed = dice.sample(MERCHANTS, dice.randint(0, len(MERCHANTS)))
    return a_route(
        tiers=[_a_random_tier(tier, dice) for tier in tiers],
        default=dice.choice(tiers),
        delays=dice.sample(DELAYS, dice.randint(1, len(DELAYS))),
        merchants={merchant: dice.choice(tiers) for merchant in listed},
    )


def _a_random_tier(name: str, dice: random.Random) -> dict[str, Any]:
    return {"name": name, **({"canary": {"weight": dice.choice(WEIGHTS)}} if dice.random() < 0.5 else {})}


def wanted_by(route: Route, broker: Topology = NOTHING) -> Topology:
    """Its topology, once every pod knows its merchants, in a broker that is now so."""
    assigned = {merchant.id: merchant.tier for merchant in route.merchants}
    return desired(route, OWNER, assigned, choose(route, broker))

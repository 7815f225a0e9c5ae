"""Exchanges that lead to each other are deleted, and the broker never stumbles over it."""

import itertools

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.topology.objects import Bind, Binding
from merchantroute_operator.topology.plans.changes import tear_down
from tests.contract.rabbit.chains import ME, ROUTE, exchange

LONG = 24
TIMES = 8


async def test_a_chain_of_exchanges_is_torn_down_time_after_time(rabbit: RabbitBroker) -> None:
    names = [f"{ROUTE}.x{number}" for number in range(LONG)]
    pairs = itertools.pairwise(names)
    bindings = tuple(Bind(Binding(one, other, "exchange", f"k{key}")) for one, other in pairs for key in range(3))
    for _ in range(TIMES):
        await rabbit.run((tuple(map(exchange, names)), bindings))
        observed = await rabbit.observe(ROUTE)

        await rabbit.run(tear_down(observed, owner=ME, keep_dead=False))

        assert (await rabbit.observe(ROUTE)).exchanges == {}

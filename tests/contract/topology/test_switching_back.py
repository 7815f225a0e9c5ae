"""The switch back: from the annotation to the last order that the canary gets, passes of the operator on a real broker.

Only Kubernetes is in memory. What the canary held is worked by the stable lane afterwards, each order once.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

from aio_pika.abc import AbstractChannel

from merchantroute_operator.naming import FINALIZER
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from tests.contract.topology.publishing import publish_until, take_all
from tests.contract.topology.stores import IN_EACH_STORE
from tests.unit.operator.fake_ports import MemoryKube, OneBroker
from tests.unit.operator.rerouting import DOOR
from tests.unit.operator.route_samples import CLUSTER, raw_route

KEY = ("orders", "pos")
STABLE, CANARY = f"{DOOR}.standard.stable", f"{DOOR}.standard.canary"
BOUND = 20.0  # seconds: ten times what is promised


def a_canary(weight: int) -> dict[str, Any]:
    raw = raw_route(tiers=[{"name": "standard", "canary": {"weight": weight}}])
    return {**raw, "metadata": {**raw["metadata"], "finalizers": [FINALIZER]}}


@IN_EACH_STORE
async def test_all_orders_are_stables_within_a_pass_of_the_annotation(
    rabbit: RabbitBroker, channel: AbstractChannel, record_testsuite_property: Callable[[str, object], None]
) -> None:
    kube = MemoryKube([], a_canary(50))
    reconciler = Reconciler(
        Context(
            kube=kube,
            brokers=cast(BrokerPool, OneBroker(rabbit)),
            pulses=PulseBoard(time.monotonic),
            cluster=CLUSTER,
            resync=60.0,
            monotonic=time.monotonic,
            wall=time.time,
        )
    )

    async def look() -> None:
        reconciler.touch(KEY)
        await reconciler.reconcile(KEY)

    await look()
    for (kind, _), body in kube.objects.items():
        if kind == "Deployment":
            body["status"] = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}
    await look()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        publishers = [group.create_task(publish_until(stop, channel, f"producer-{number}")) for number in range(3)]
        while not await ready(channel, CANARY):
            pass
        assert kube.stored is not None
        kube.stored["metadata"]["annotations"] = {"merchantroute.dev/canary": "abort:standard"}
        asked = time.monotonic()
        await look()
        took = time.monotonic() - asked
        held = await ready(channel, CANARY)
        while await ready(channel, CANARY):
            await look()
        emptied = time.monotonic() - asked
        before = await ready(channel, STABLE)
        while await ready(channel, STABLE) < before + 50:
            assert not await ready(channel, CANARY)
        stop.set()
    record_testsuite_property("switch-back-seconds", round(took, 3))
    record_testsuite_property("backlog-moved-after-seconds", round(emptied, 3))
    assert took < BOUND
    assert held == 0  # the same pass has moved what the canary had not begun
    sent = set[bytes]().union(*(publisher.result() for publisher in publishers))
    found = await take_all(channel, [STABLE, CANARY])
    assert found.keys() == sent
    assert set(found.values()) == {1}


async def ready(channel: AbstractChannel, name: str) -> int:
    """Orders that wait in a queue."""
    queue = await channel.declare_queue(name, passive=True)
    return queue.declaration_result.message_count or 0

"""A cluster that was made anew takes over the queues of the one before it, orders included, when that is asked for."""

from aio_pika.abc import AbstractChannel

from merchantroute_operator.naming import ANNOTATION_ADOPT
from merchantroute_operator.rabbit.broker import RabbitBroker
from tests.contract.topology.publishing import publish_some, take_all
from tests.contract.topology.test_what_others_break import DOOR, Place

ORDERS = 100


async def test_orders_of_a_cluster_that_is_gone_are_adopted(rabbit: RabbitBroker, channel: AbstractChannel) -> None:
    old, new = Place(rabbit, cluster="old-uid"), Place(rabbit, cluster="new-uid")
    await old.look()
    sent = await publish_some(channel, ORDERS)
    before = await rabbit.observe(DOOR)

    await new.look()
    conflicted = next(each for each in new.kube.status["conditions"] if each["type"] == "Conflicted")
    assert f"{ANNOTATION_ADOPT}=old-uid" in conflicted["message"]
    assert await rabbit.observe(DOOR) == before

    assert new.kube.stored is not None
    new.kube.stored["metadata"]["annotations"] = {ANNOTATION_ADOPT: "old-uid"}
    await new.look()
    ready = next(each for each in new.kube.status["conditions"] if each["type"] == "QueuesReady")
    assert ready["status"] == "True"
    assert await rabbit.observe(DOOR) == before
    sent |= await publish_some(channel, ORDERS, "after")
    found = await take_all(channel, [name for name in before.queues if name.endswith(".stable")])
    assert found.keys() == sent
    assert set(found.values()) == {1}

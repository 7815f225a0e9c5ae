"""Passes over a route with a user for each lane, on a real broker: made, put back, changed and gone."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.exceptions import AMQPError

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import DropUser
from merchantroute_operator.lane_users.user_plan import tag
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.contract.rabbit.chains import address_of
from tests.contract.topology.stores import IN_EACH_STORE
from tests.contract.topology.test_what_others_break import DOOR, Place

SECRET = naming.lane_user_secret("pos", "standard", "stable")


@pytest.fixture
async def place(rabbit: RabbitBroker) -> AsyncIterator[Place]:
    """A route that asks for users, and has them."""
    made = Place(rabbit, uuid4().hex, spec={"broker": {"secretRef": {"name": "rabbitmq"}, "users": "PerLane"}})
    await made.look()
    await made.look()
    yield made
    await rabbit.run_user_ops([DropUser(name) for name in await of_route(made)])


async def of_route(place: Place) -> set[str]:
    """The users that were made for it: those of other tests are on the same broker."""
    return {name for name, user in (await place.rabbit.users()).items() if tag(place.cluster) in user.tags}


def as_lane(place: Place, vhost: Vhost) -> BrokerAddress:
    """The broker as a pod of the lane ``standard`` knows it."""
    data = {key: b64decode(text).decode() for key, text in place.kube.objects["Secret", SECRET]["data"].items()}
    return replace(address_of(vhost), username=data["username"], password=data["password"])


async def consumes(address: BrokerAddress) -> bool:
    """Whether this user gets into the vhost, and may read the lane's queue."""
    try:
        opened = await aio_pika.connect(
            host=address.host,
            port=address.port,
            login=address.username,
            password=address.password,
            virtualhost=address.vhost,
        )
    except (AMQPError, ConnectionError):
        return False
    async with opened, opened.channel() as channel:
        queue = await channel.get_queue(f"{DOOR}.standard.stable")
        return await queue.get(fail=False) is None


@IN_EACH_STORE
async def test_what_somebody_does_to_a_user_is_put_back_and_its_password_stays(place: Place, vhost: Vhost) -> None:
    lane = as_lane(place, vhost)
    assert len(await of_route(place)) == 3
    assert await consumes(lane)

    vhost.api("DELETE", f"users/{lane.username}")
    assert not await consumes(lane)
    assert await place.look() == f"user {lane.username} was deleted: made again"
    assert await consumes(lane)

    rights = (await place.rabbit.users())[lane.username].permissions
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    vhost.api("PUT", f"permissions/{vhost.name}/{lane.username}", everything)
    assert await place.look() == f"user {lane.username} was changed: put back"
    assert (await place.rabbit.users())[lane.username].permissions == rights

    vhost.api("PUT", f"users/{lane.username}", {"password": "hunter2hunter2", "tags": "administrator"})
    assert await place.look() == ""
    assert (await place.rabbit.users())[lane.username].tags == {"administrator"}, "without the tag it is not ours"


async def test_a_deleted_secret_is_another_password_and_the_old_one_is_shut_out(place: Place, vhost: Vhost) -> None:
    before = as_lane(place, vhost)

    del place.kube.objects["Secret", SECRET]
    assert await place.look() == f"Secret {SECRET} was deleted: made again"

    after = as_lane(place, vhost)
    assert before.password != after.password
    assert (await consumes(before), await consumes(after)) == (False, True)


async def test_no_user_is_left_of_a_route_that_is_gone(place: Place) -> None:
    stored = place.kube.stored
    assert stored is not None
    stored["spec"]["deletion"] = {"policy": "Retain"}
    stored["metadata"]["deletionTimestamp"] = "2027-01-15T08:01:40Z"

    await place.look()

    assert stored["metadata"]["finalizers"]
    assert place.kube.stored is not None
    assert place.kube.stored["metadata"]["finalizers"] == []
    assert await of_route(place) == set()
    assert ("Secret", SECRET) not in place.kube.objects

"""Where a test's virtual host is, and pieces of topology that tests declare there through the port."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import OWNER, Arguments, Bind, Binding, Declare, Exchange, Queue

ROUTE = "mr.orders.pos"
ME = "cluster-1/orders/pos"
Found = TypeVar("Found")


def address_of(vhost: Vhost) -> BrokerAddress:
    management = vhost.mgmt_url.split("@")[-1]
    return BrokerAddress(vhost.host, vhost.port, vhost.username, vhost.password, vhost.name, f"http://{management}")


def exchange(name: str, kind: str = "fanout", alternate: str | None = None, owner: str = ME) -> Declare:
    arguments = {OWNER: owner, **({"alternate-exchange": alternate} if alternate else {})}
    return Declare(Exchange(name, kind, arguments))


def queue(name: str, **arguments: str | int) -> Declare:
    own: Arguments = {OWNER: ME, "x-queue-type": "quorum", **{k.replace("_", "-"): v for k, v in arguments.items()}}
    return Declare(Queue(name, own))


def lane(name: str) -> tuple[tuple[Declare, ...], tuple[Bind, ...]]:
    """A fanout exchange and the queue of its name."""
    return (exchange(name), queue(name)), (Bind(Binding(name, name, "queue")),)


async def until(
    look: Callable[[], Awaitable[Found]], holds: Callable[[Found], bool], within: float = 60.0, *, every: float = 0.1
) -> Found:
    """What ``look`` gives once it ``holds``; fails with the last one. ``every`` is seconds between two looks."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        found = await look()
        if holds(found):
            return found
        assert asyncio.get_running_loop().time() < deadline, f"still {found} after {within} s"
        await asyncio.sleep(every)

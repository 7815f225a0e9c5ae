"""The node of three that leads the lane's queue: the one that most depends on, so faults hit it."""

import asyncio
from functools import partial

from benchmarks.faults.environment.environment import Environment
from merchantroute_kit.servers.rabbitmq_cluster import Node
from merchantroute_kit.waiting import TimedOut, until_async
from merchantroute_kit.worker import topology

_ORDERS = 100  # that have to end while a node is away: the others carry on
_WITHIN = 60.0
_WHOLE = 180.0


async def lane_leader(environment: Environment) -> Node:
    """The node that leads the queue now."""
    return await asyncio.to_thread(environment.cluster.leader, environment.vhost.name, topology.QUEUE)


async def led_elsewhere(environment: Environment, node: Node) -> None:
    """Wait until another node leads the queue: this one is missed."""
    elsewhere = partial(environment.cluster.leads_elsewhere, node, environment.vhost.name, topology.QUEUE)
    await until_async(elsewhere, f"another node than {node.host} to lead the lane's queue", _WITHIN, in_thread=True)


async def missed(environment: Environment, node: Node) -> None:
    """Wait until each of the other nodes sees that this one does not run."""
    without = partial(environment.cluster.is_without, node)
    await until_async(without, f"the others to miss {node.host}", _WITHIN, in_thread=True)


async def goes_on(environment: Environment, what: str) -> None:
    """Complain if no orders end meanwhile."""
    enough = environment.observed.ended + _ORDERS
    try:
        await until_async(lambda: environment.observed.ended >= enough, f"orders to end while {what}", _WITHIN)
    except TimedOut as late:
        environment.complaints.append(str(late))


async def whole_again(environment: Environment) -> None:
    """Wait until all nodes and all members of queues are back, and every pod consumes."""
    whole = partial(environment.cluster.is_whole, environment.vhost.name)
    await until_async(whole, "all nodes, and all members of the queues, to be back", _WHOLE, in_thread=True)
    await environment.fleet.ready()
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a node of three: {environment.fleet.codes}")

"""Preflight checks of a broker: whether it can carry a route, and if not, the one thing to fix."""

from __future__ import annotations

import asyncio

from merchantroute_operator.errors import BrokerTLSFailed, BrokerUnreachable, PluginMissing, VhostMissing
from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.rabbit.preflight.amqp_listener import greet, listener_fault

ANSWER = 10.0  # seconds for a small answer: a broker that takes longer carries no pass to its end
HASH = "x-consistent-hash"


async def check(management: Management, *, greets: bool = True) -> None:
    """Raise what is wrong first: reach, TLS, plugin, credentials, vhost. See ``broker_port.Broker.check``.

    With ``greets`` the AMQP port is asked what it speaks, of which the broker's log has a line.
    """
    address = management.address
    silent, reached = await asyncio.gather(listener_fault(address), _exchange_types(management))
    where = f"{address.host}:{address.port}"
    for found in (silent, reached):
        if isinstance(found, BrokerTLSFailed):
            raise found
    if isinstance(reached, BrokerUnreachable):
        if silent:
            raise BrokerUnreachable(f"the broker at {where} does not answer, nor does {address.management_uri}")
        await greet(address)
        raise PluginMissing(
            f"{where} answers, but its management API at {address.management_uri} does not: run "
            "`rabbitmq-plugins enable rabbitmq_management` on the broker, or set the Secret's key management_uri"
        )
    if silent:
        raise BrokerUnreachable(
            f"the management API answers, but AMQP at {where} does not: is the Secret's port right?"
        )
    if HASH not in reached:
        raise PluginMissing(
            f"the broker at {where} lacks the exchange type {HASH}: run "
            "`rabbitmq-plugins enable rabbitmq_consistent_hash_exchange` on it"
        )
    await _vhost(management)
    if greets:
        await greet(address)


async def _exchange_types(management: Management) -> frozenset[str] | BrokerUnreachable:
    """What the broker offers, or that it did not answer. Raises what it answered instead."""
    try:
        return await management.read(
            "overview",
            what="reading the broker's overview",
            parse=lambda found: frozenset(kind["name"] for kind in found["exchange_types"]),
            query={"columns": "exchange_types.name"},
            within=ANSWER,
        )
    except BrokerUnreachable as error:
        return error


async def _vhost(management: Management) -> None:
    """Users without the tag administrator may not ask for a vhost itself, so its exchanges are asked for."""
    vhost = management.address.vhost
    query = {"columns": "name", "page": "1", "page_size": "1", "disable_stats": "true"}
    try:
        await management.call("GET", "exchanges", vhost, what=f"using vhost {vhost}", query=query, within=ANSWER)
    except NotFound:
        raise VhostMissing(f"the broker has no vhost {vhost}: create it, or change the Secret's key vhost") from None

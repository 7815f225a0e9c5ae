"""Preflight checks of a broker: whether it can carry a route, and if not, the one thing to fix."""

from __future__ import annotations

import asyncio
import contextlib

from merchantroute_operator.errors import (
    AmqpUnreachable,
    BrokerUnreachable,
    ManagementSilent,
    PluginMissing,
    VhostMissing,
)
from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

PATIENCE = 5.0  # seconds for a TCP connection
ANSWER = 10.0  # seconds for a small answer: a broker that takes longer carries no pass to its end
HASH = "x-consistent-hash"


async def check(management: Management, dialer: Dialer) -> None:
    """Raise what is wrong first: permission, reach, plugin, credentials, vhost. See ``broker_port.Broker.check``."""
    address = management.address
    (listens, reached) = await asyncio.gather(_amqp_listens(address, dialer), _exchange_types(management))
    where = f"{address.host}:{address.port}"
    management.is_rabbitmq = not isinstance(reached, BrokerUnreachable)
    if isinstance(reached, BrokerUnreachable):
        if not listens:
            raise AmqpUnreachable(f"the broker at {where} does not answer, nor does {address.management_uri}")
        raise ManagementSilent(
            f"{where} answers, but its management API at {address.management_uri} does not: run "
            "`rabbitmq-plugins enable rabbitmq_management` on the broker, or set the Secret's key management_uri"
        )
    if not listens:
        raise AmqpUnreachable(f"the management API answers, but AMQP at {where} does not: is the Secret's port right?")
    if HASH not in reached:
        raise PluginMissing(
            f"the broker at {where} lacks the exchange type {HASH}: run "
            "`rabbitmq-plugins enable rabbitmq_consistent_hash_exchange` on it"
        )
    await _vhost(management)


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


async def _amqp_listens(address: BrokerAddress, dialer: Dialer) -> bool:
    """Whether something accepts connections; the broker takes one without a word for a health check.

    Raises ``BrokerNotAllowed``.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await dialer.connect(address.host, address.port)
    except (OSError, TimeoutError, ValueError):  # ValueError: a name that no name server could be asked for
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True

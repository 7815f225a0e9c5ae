"""Preflight checks of a broker: whether it can carry a route, and if not, the one thing to fix."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from merchantroute_operator.topology.objects import COUNTS_ALL, Uncounted

PATIENCE = 5.0  # seconds for a TCP connection
ANSWER = 10.0  # seconds for a small answer: a broker that takes longer carries no pass to its end
HASH = "x-consistent-hash"


async def check(management: Management, dialer: Dialer) -> Uncounted:
    """Raise what is wrong first: permission, reach, plugin, credentials, vhost. See ``broker_port.Broker.check``."""
    address = management.address
    (listens, reached) = await asyncio.gather(_amqp_listens(address, dialer), _overview(management))
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
    if HASH not in reached.exchange_types:
        raise PluginMissing(
            f"the broker at {where} lacks the exchange type {HASH}: run "
            "`rabbitmq-plugins enable rabbitmq_consistent_hash_exchange` on it"
        )
    await _vhost(management)
    return reached.uncounted


@dataclass(frozen=True, slots=True)
class _Overview:
    exchange_types: frozenset[str]
    uncounted: Uncounted


async def _overview(management: Management) -> _Overview | BrokerUnreachable:
    """What the broker offers and counts, or that it did not answer. Raises what it answered instead."""
    try:
        return await management.read(
            "overview",
            what="reading the broker's overview",
            parse=lambda found: _Overview(
                frozenset(kind["name"] for kind in found["exchange_types"]), _uncounted(found)
            ),
            query={"columns": "exchange_types.name,disable_stats,rates_mode"},
            within=ANSWER,
        )
    except BrokerUnreachable as error:
        return error


def _uncounted(overview: Mapping[str, Any]) -> Uncounted:
    if overview.get("disable_stats") is True:
        words = (
            "the broker keeps no statistics of its queues: set management_agent.disable_metrics_collector and "
            "management.disable_stats to false in its rabbitmq.conf, and restart it"
        )
        return Uncounted(words, queues=True)
    if overview.get("rates_mode") == "none":
        return Uncounted("the broker counts no publishes: set management.rates_mode to basic in its rabbitmq.conf")
    return COUNTS_ALL


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

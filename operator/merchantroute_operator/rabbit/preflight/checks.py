"""Preflight checks of a broker: whether it can carry a route, and if not, the one thing to fix."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from merchantroute_operator.errors import (
    AmqpUnreachable,
    BrokerTLSFailed,
    BrokerUnreachable,
    ManagementSilent,
    PluginMissing,
    RouteError,
    VhostMissing,
)
from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.rabbit.preflight.amqp_listener import greet, listener_fault
from merchantroute_operator.topology.objects import COUNTS_ALL, Uncounted

ANSWER = 10.0  # seconds for a small answer: a broker that takes longer carries no pass to its end
HASH = "x-consistent-hash"
DEFAULT_EXCHANGE = "amq.default"  # what the management API calls the one whose name is empty


async def check(management: Management, dialer: Dialer, *, greets: bool = True) -> Uncounted:
    """Raise what is wrong first: permission, reach, TLS, plugin, credentials, vhost. See ``broker_port.Broker.check``.

    With ``greets`` the AMQP port is asked what it speaks, of which the broker's log has a line.
    """
    address = management.address
    silent, reached = await asyncio.gather(listener_fault(address, dialer), _overview(management))
    where = f"{address.host}:{address.port}"
    management.is_rabbitmq = not isinstance(reached, BrokerUnreachable)
    for found in (silent, reached):
        if isinstance(found, BrokerTLSFailed):
            raise found
    if isinstance(reached, BrokerUnreachable):
        if silent:
            raise AmqpUnreachable(f"the broker at {where} does not answer, nor does {address.management_uri}")
        await greet(address, dialer)
        raise ManagementSilent(
            f"{where} answers, but its management API at {address.management_uri} does not: run "
            "`rabbitmq-plugins enable rabbitmq_management` on the broker, or set the Secret's key management_uri"
            f"{await _for_ipv6(address.management_uri, dialer)}"
        )
    if silent:
        raise AmqpUnreachable(f"the management API answers, but AMQP at {where} does not: is the Secret's port right?")
    if HASH not in reached.exchange_types:
        raise PluginMissing(
            f"the broker at {where} lacks the exchange type {HASH}: run "
            "`rabbitmq-plugins enable rabbitmq_consistent_hash_exchange` on it"
        )
    await _vhost(management)
    if greets:
        await greet(address, dialer)
    return reached.uncounted


async def _for_ipv6(uri: str, dialer: Dialer) -> str:
    """What else may be to do where the API's address is an IPv6 one: by default RabbitMQ has it on 0.0.0.0 alone."""
    url = urlsplit(uri)
    try:
        addresses = await dialer.resolve(url.hostname or "", url.port or 0)
    except (RouteError, OSError):
        return ""
    if not any(":" in address for address in addresses):
        return ""
    return "; to listen for IPv6, it needs `management.tcp.ip = ::` (TLS: management.ssl.ip) in its rabbitmq.conf"


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
    """Users without the tag administrator may not ask for a vhost itself, so they ask for its default exchange.

    Each vhost has it, and nobody can delete it; a list, even of one row, is made of all exchanges of the vhost.
    """
    vhost = management.address.vhost
    path, query = ("exchanges", vhost, DEFAULT_EXCHANGE), {"columns": "name", "disable_stats": "true"}
    try:
        await management.call("GET", *path, what=f"using vhost {vhost}", query=query, within=ANSWER)
    except NotFound:
        raise VhostMissing(f"the broker has no vhost {vhost}: create it, or change the Secret's key vhost") from None

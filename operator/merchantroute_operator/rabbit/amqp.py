"""A connection to the broker over AMQP, with its failures named."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ConnectionNotAllowed,
    ProbableAuthenticationError,
)

from merchantroute_operator.errors import BrokerError, BrokerRefusedCredentials, BrokerUnreachable, VhostMissing
from merchantroute_operator.rabbit.tls import context
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

CONNECT = 10.0  # seconds
CLOSE = 5.0  # seconds
FAILURES = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)


@asynccontextmanager
async def connection(address: BrokerAddress, purpose: str) -> AsyncIterator[AbstractConnection]:
    """An open connection for the time of the block; ``purpose`` is what the broker shows as its name.

    Raises the ``BrokerError`` that fits what went wrong, in the block as well.
    """
    tls = context(address) if address.ca is not None else None
    try:
        opened = await aio_pika.connect(
            host=address.host,
            port=address.port,
            login=address.username,
            password=address.password,
            virtualhost=address.vhost,
            ssl=tls is not None,
            ssl_context=tls,
            client_properties={"connection_name": f"merchantroute-operator {purpose}"},
            timeout=CONNECT,
        )
    except Exception as error:  # noqa: BLE001 - what listens there may be anything, and say anything
        raise named(error, address) from None
    try:
        try:
            yield opened
        finally:
            # Closing waits for the broker's word; a broker that hangs must not hold a pass up.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.close(), CLOSE)
    except FAILURES as error:
        raise named(error, address) from None


def named(error: Exception, address: BrokerAddress) -> BrokerError:
    """The named error for a failure of the AMQP library; its own text may hold the connection's URL."""
    where = f"the broker at {address.host}:{address.port}"
    if isinstance(error, (AuthenticationError, ProbableAuthenticationError)):
        return BrokerRefusedCredentials(f"{where} refused the Secret's user and password")
    if isinstance(error, ConnectionNotAllowed):
        return VhostMissing(f"{where} has no vhost {address.vhost}, or the Secret's user may not use it")
    if isinstance(error, (OSError, TimeoutError)):  # AMQPConnectionError is one
        return BrokerUnreachable(f"{where} does not answer: {type(error).__name__}")
    return BrokerError(f"{where}: {type(error).__name__}")

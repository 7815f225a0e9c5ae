"""A connection to the broker over AMQP, with its failures named and what it sends bounded.

The address is a tenant's, and what listens there may announce a frame or a message of any size.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.connection import TransportFactory
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ConnectionNotAllowed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from yarl import URL

from merchantroute_operator.errors import (
    BrokerError,
    BrokerNotAllowed,
    BrokerRefusedCredentials,
    BrokerTLSFailed,
    BrokerUnreachable,
    VhostMissing,
)
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.tls import context, tls_failure
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

CONNECT = 10.0  # seconds
CLOSE = 5.0  # seconds
LARGEST = 17 * 2**20  # bytes of a frame or a message: RabbitMQ takes messages of 16 MiB unless it is told otherwise
_CONTENT_HEADER = b"\x02"  # the type of the frame that says how long a message is
FAILURES = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)


@asynccontextmanager
async def connection(address: BrokerAddress, dialer: Dialer, purpose: str) -> AsyncIterator[AbstractConnection]:
    """An open connection for the time of the block; ``purpose`` is what the broker shows as its name.

    ``dialer`` judges where the address leads.

    Raises the ``BrokerError`` that fits what went wrong, in the block as well.
    """
    tls = context(address) if address.tls else None
    try:
        # Judged once more where it is connected to; the library would log a refusal there as an error of its own.
        async with asyncio.timeout(CONNECT):
            await dialer.resolve(address.host, address.port)
        opened = await aio_pika.connect(
            connection_class=partial(_BoundedConnection, dialer=dialer),
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
    except BrokerNotAllowed:
        raise
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
    if why := tls_failure(error):
        return BrokerTLSFailed(f"{where}: {why}")
    if isinstance(error, (AuthenticationError, ProbableAuthenticationError)):
        return BrokerRefusedCredentials(f"{where} refused the Secret's user and password")
    if isinstance(error, ConnectionNotAllowed):
        return VhostMissing(f"{where} has no vhost {address.vhost}, or the Secret's user may not use it")
    if isinstance(error, (OSError, TimeoutError)):  # AMQPConnectionError is one
        return BrokerUnreachable(f"{where} does not answer: {type(error).__name__}")
    return BrokerError(f"{where}: {type(error).__name__}")


class _BoundedReader:
    """What aiormq reads frames from, in pieces of 1 byte (the type), 6 bytes, and all the rest."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._type = b""

    def __getattr__(self, name: str) -> Any:
        """Everything else is the reader's own."""
        return getattr(self._reader, name)

    async def readexactly(self, size: int) -> bytes:
        """Raises ``InvalidFrameError`` for a frame, or the beginning of a message, that is larger than ``LARGEST``."""
        _check(size)
        piece = await self._reader.readexactly(size)
        if size == 1:
            self._type = piece
        elif self._type == _CONTENT_HEADER and size > 12:
            _check(int.from_bytes(piece[4:12]))
        return piece


def _check(size: int) -> None:
    if size > LARGEST:
        raise InvalidFrameError(f"{size} bytes are more than the operator takes from a broker")


class _BoundedTransport(TransportFactory):
    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = await kwargs["ssl_context_provider"].get_context() if url.scheme == "amqps" else None
        reader, writer = await self._dialer.connect(str(url.host), int(url.port or 0), tls)
        return cast(asyncio.StreamReader, _BoundedReader(reader)), writer


class _BoundedConnection(aio_pika.Connection):
    def __init__(self, *args: Any, dialer: Dialer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kwargs["transport_factory"] = _BoundedTransport(dialer)

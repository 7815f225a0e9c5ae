"""What listens at a broker's AMQP port: whether it accepts connections, and speaks TLS where the Secret says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from merchantroute_operator.errors import BrokerTLSFailed, BrokerUnreachable
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.tls import context, tls_failure
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

PATIENCE = 5.0  # seconds for a connection with its handshake
FIRST_WORDS = 2.0  # seconds
_HEADER = b"AMQP\x00\x00\x09\x01"  # with which a client begins: AMQP 0-9-1
_TLS_ALERT = b"\x15\x03"  # the first bytes of TLS's answer to something else


async def listener_fault(address: BrokerAddress, dialer: Dialer) -> BrokerUnreachable | None:
    """Why no conversation can begin there: nothing accepts connections, or TLS fails (``BrokerTLSFailed``).

    RabbitMQ takes a connection that ends without a word for a health check, and notes nothing.
    """
    try:
        async with _connection(address, dialer):
            return None
    except (OSError, TimeoutError, ValueError) as error:  # ValueError: a name that no name server could be asked for
        why = tls_failure(error)
        where = _where(address)
        return BrokerTLSFailed(f"{where}: {why}") if why else BrokerUnreachable(f"{where} does not answer")


async def greet(address: BrokerAddress, dialer: Dialer) -> None:
    """Send AMQP's first bytes and raise ``BrokerTLSFailed`` for an answer that is TLS's.

    Only so a plain connection to a TLS port shows, and one without the client certificate that the broker asks for: in
    TLS 1.3 a server checks it after the handshake. RabbitMQ logs the end of such a conversation. What is silent then,
    or fails otherwise, passes: that is for others to find.
    """
    try:
        async with _connection(address, dialer) as (reader, writer), asyncio.timeout(FIRST_WORDS):
            writer.write(_HEADER)
            first = await reader.read(len(_HEADER))
    except (OSError, TimeoutError, ValueError) as error:
        first, why = b"", tls_failure(error)
    else:
        why = ""
    if first.startswith(_TLS_ALERT):
        why = 'it speaks TLS: write the key tls: "true", or ca.crt, into the Secret, or the port of plain AMQP (5672)'
    if why:
        raise BrokerTLSFailed(f"{_where(address)}: {why}")


@contextlib.asynccontextmanager
async def _connection(
    address: BrokerAddress, dialer: Dialer
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    tls = context(address) if address.tls else None
    async with asyncio.timeout(PATIENCE):
        reader, writer = await dialer.connect(address.host, address.port, tls)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(FIRST_WORDS):
                await writer.wait_closed()


def _where(address: BrokerAddress) -> str:
    return f"the broker at {address.host}:{address.port}"

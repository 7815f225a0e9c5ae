"""What listens at a broker's AMQP port: whether it accepts connections, and whether it speaks TLS as the Secret says."""

from __future__ import annotations

import asyncio
import contextlib

from merchantroute_operator.errors import BrokerTLSFailed, BrokerUnreachable
from merchantroute_operator.rabbit.tls import context, tls_failure
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

PATIENCE = 5.0  # seconds for a connection with its handshake, and as many for the first words
_HEADER = b"AMQP\x00\x00\x09\x01"  # with which a client begins: AMQP 0-9-1
_TLS_ALERT = b"\x15\x03"  # the first bytes of TLS's answer to something else


async def listener_fault(address: BrokerAddress, *, greets: bool) -> BrokerUnreachable | None:
    """Why no conversation can begin there: nothing accepts connections, or TLS fails (``BrokerTLSFailed``).

    RabbitMQ takes a connection that ends without a word for a health check. With ``greets`` it hears the first bytes of
    AMQP: only then a plain connection to a TLS port fails, and one without the client certificate that the broker asks
    for (in TLS 1.3 a server checks it after the handshake). What is silent then is taken for a broker that is slow.
    """
    tls = context(address) if address.tls else None
    where = f"the broker at {address.host}:{address.port}"
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    except (OSError, TimeoutError, ValueError) as error:  # ValueError: a name that no name server could be asked for
        why = tls_failure(error)
        return BrokerTLSFailed(f"{where}: {why}") if why else BrokerUnreachable(f"{where} does not answer")
    try:
        why = await _greet(reader, writer) if greets else ""
        return BrokerTLSFailed(f"{where}: {why}") if why else None
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await writer.wait_closed()


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Why the conversation ends before it has begun, where TLS is the reason."""
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(_HEADER)
            first = await reader.read(len(_HEADER))
    except (OSError, TimeoutError) as error:
        return tls_failure(error)
    if first.startswith(_TLS_ALERT):
        return 'it speaks TLS: write the key tls: "true", or ca.crt, into the Secret, or the port of plain AMQP (5672)'
    return ""

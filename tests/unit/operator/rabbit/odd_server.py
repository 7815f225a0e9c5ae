"""A server in the place of a broker's management API: whatever it is asked, it sends the bytes that a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import loopback


class OddServer:
    """Answers each request with ``raw``, and closes."""

    def __init__(self) -> None:
        self.raw = b""
        self.asked: list[bytes] = []  # heads of the requests

    def say(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """From now on a well-formed response with this body."""
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
        self.raw = f"{head}\r\n\r\n".encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Whoever only looks whether something listens sends nothing."""
        try:
            begins = await reader.readexactly(4)
            if begins == b"AMQP":  # whoever asks whether this port is AMQP's
                return
            self.asked.append(begins + await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.raw)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def odd_broker(server: OddServer) -> AsyncIterator[RabbitBroker]:
    """The port, with ``server`` as management API and as what listens at AMQP's port."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    broker = RabbitBroker(BrokerAddress("127.0.0.1", port, "u", "p4ss", "/", f"http://127.0.0.1:{port}"), loopback())
    try:
        yield broker
    finally:
        await broker.close()
        listening.close()
        await listening.wait_closed()

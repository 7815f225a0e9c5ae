"""What listens at a broker's AMQP port may announce a frame or a message of any size: little of it is read."""

from __future__ import annotations

import asyncio
import struct

import pytest
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from merchantroute_operator.errors import BrokerError
from merchantroute_operator.rabbit.amqp import connection
from merchantroute_operator.rabbit.pulses.listener import PulseListener
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import loopback

MOST = 64 * 2**20  # bytes that the hostile broker sends, if it is let


def sized(kind: int, channel: int, size: int) -> bytes:
    """The head of a frame that announces so many bytes."""
    return struct.pack(">BHI", kind, channel, size)


class Hostile:
    """May greet as RabbitMQ does, then sends ``head``, and ``more`` again and again until it is cut off."""

    def __init__(self, head: bytes, more: bytes, *, greets: bool = False) -> None:
        self._head = head
        self._more = more
        self._greets = greets
        self.sent = 0
        self.cut_off = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._greets:
                await self._greet(reader, writer)
            writer.write(self._head)
            while self.sent < MOST:
                writer.write(self._more)
                await writer.drain()
                self.sent += len(self._more)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.cut_off.set()
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = commands.Connection.Start(
            mechanisms="PLAIN",
            locales="en_US",
            server_properties={"capabilities": {"basic.nack": True, "publisher_confirms": True}},
        )
        tune = commands.Connection.Tune(channel_max=10, frame_max=131072, heartbeat=0)
        await reader.readexactly(8)
        writer.write(frame.marshal(start, 0))
        await self._answered(reader)
        writer.write(frame.marshal(tune, 0))
        await self._answered(reader)
        await self._answered(reader)
        writer.write(frame.marshal(commands.Connection.OpenOk(), 0))
        await self._answered(reader)
        writer.write(frame.marshal(commands.Channel.OpenOk(), 1))
        await self._answered(reader)
        writer.write(frame.marshal(commands.Queue.DeclareOk("q", 0, 0), 1))
        await self._answered(reader)
        writer.write(frame.marshal(commands.Exchange.DeclareOk(), 1))
        await self._answered(reader)
        writer.write(frame.marshal(commands.Queue.BindOk(), 1))
        await self._answered(reader)
        writer.write(frame.marshal(commands.Basic.ConsumeOk("tag"), 1))

    @staticmethod
    async def _answered(reader: asyncio.StreamReader) -> None:
        _, _, size = struct.unpack(">BHI", await reader.readexactly(7))
        await reader.readexactly(size + 1)


async def address_of(server: Hostile) -> tuple[asyncio.Server, BrokerAddress]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    return listening, BrokerAddress("127.0.0.1", port, "u", "p4ss", "/", f"http://127.0.0.1:{port}")


async def test_a_frame_that_announces_gigabytes_is_not_waited_for() -> None:
    server = Hostile(sized(1, 0, 2**31), bytes(2**18))
    listening, address = await address_of(server)
    with pytest.raises(BrokerError):
        async with connection(address, loopback(), "tries"):
            pass
    await asyncio.wait_for(server.cut_off.wait(), 10)
    listening.close()
    assert server.sent < MOST // 2, server.sent


async def test_a_message_that_announces_gigabytes_is_not_collected() -> None:
    deliver = frame.marshal(commands.Basic.Deliver("tag", 1, False, "e", ""), 1)
    header = frame.marshal(ContentHeader(body_size=2**40), 1)
    server = Hostile(deliver + header, frame.marshal(ContentBody(bytes(131064)), 1), greets=True)
    listening, address = await address_of(server)
    listener = asyncio.create_task(PulseListener(lambda: address, loopback(), "mr-pulses.c", lambda _: None).run())
    await asyncio.wait_for(server.cut_off.wait(), 10)
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    listening.close()
    assert server.sent < MOST // 2, server.sent

"""A server of the management API closes kept connections when it likes; no read fails by that."""

from __future__ import annotations

import asyncio

import pytest

from merchantroute_operator.errors import BrokerUnreachable
from merchantroute_operator.rabbit import management as management_api
from merchantroute_operator.rabbit.management import Management, Method
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import loopback

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
COWBOY = 5.0  # seconds after which RabbitMQ's server closes a connection without a request


class ClosingServer:
    """Answers each connection's first request, and closes at its second one instead of answering.

    With ``answers`` turned off it closes at every request.
    """

    def __init__(self) -> None:
        self.answers = True
        self.waiting = asyncio.Barrier(1)  # first requests that are answered together: each has its connection
        self.connections = 0
        self.requests: list[str] = []  # methods

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            await self._request(reader)
            if self.answers:
                async with self.waiting:
                    writer.write(ANSWER)
                await self._request(reader)
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).split()[0].decode())


async def ask(management: Management, method: Method = "GET") -> object:
    return await management.call(method, "overview", what="read")


async def test_a_read_that_meets_several_closing_connections_is_sent_on_a_fresh_one() -> None:
    server = ClosingServer()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        management = at(listening)
        server.waiting = asyncio.Barrier(3)
        await asyncio.gather(*(ask(management) for _ in range(3)))
        server.waiting = asyncio.Barrier(1)
        assert server.connections == 3

        assert await ask(management) == {}

        assert server.connections == 4
        await management.close()


async def test_what_is_no_read_is_not_sent_once_more() -> None:
    server = ClosingServer()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        management = at(listening)
        await ask(management)

        with pytest.raises(BrokerUnreachable):
            await ask(management, "POST")

        assert server.requests == ["GET", "POST"]
        await management.close()


async def test_a_server_that_closes_every_connection_is_unreachable() -> None:
    server = ClosingServer()
    server.answers = False
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        management = at(listening)
        with pytest.raises(BrokerUnreachable):
            await ask(management)
        await management.close()


async def test_what_is_no_read_goes_to_no_connection_that_was_kept_for_longer_than_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert COWBOY > management_api.KEPT
    monkeypatch.setattr(management_api, "KEPT", 0.0)
    server = ClosingServer()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        management = at(listening)
        await ask(management)
        assert await ask(management, "POST") == {}
        assert server.connections == 2
        await management.close()


def at(listening: asyncio.Server) -> Management:
    port = listening.sockets[0].getsockname()[1]
    return Management(BrokerAddress("127.0.0.1", 5672, "u", "p4ss", "/", f"http://127.0.0.1:{port}"), loopback())

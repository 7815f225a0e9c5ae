"""A wire between a client and a server that a test can cut, or hold so that nothing passes any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """A TCP relay on a loopback port."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._age = 0
        self.port = 0

    def hold(self) -> None:
        """From now on everything is accepted and nothing passes."""
        self._flows.clear()

    def forget(self) -> None:
        """Nothing passes any more on what is open, and nothing closes it, as when a firewall forgets connections; new
        connections are relayed.
        """
        self._age += 1

    def cut(self) -> None:
        """Close what is open; new connections are relayed."""
        for writer in self._open:
            writer.close()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either end is closed."""
        with suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            self._open |= {writer, there_writer}
            ways = [self._pass(reader, there_writer), self._pass(there_reader, writer)]
            await asyncio.wait(map(asyncio.ensure_future, ways), return_when=asyncio.FIRST_COMPLETED)
            there_writer.close()
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        age = self._age
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                if age != self._age:
                    continue
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def wire(host: str, port: int) -> AsyncIterator[Wire]:
    """A wire to ``host:port`` for the time of the block; ``Wire.port`` is its near end on 127.0.0.1."""
    made = Wire(host, port)
    server = await asyncio.start_server(made.relay, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made._flows.set()
        made.cut()

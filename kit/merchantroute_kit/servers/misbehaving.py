"""Merchants that misbehave at the level of bytes, and name servers that never answer, in a process of their own.

`python -m merchantroute_kit.servers.misbehaving` prints the ports as one line of JSON and serves until it is killed.
A process of its own, because what is looked at is whether the caller's hub still turns.
"""

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

BOMB_BLOCK = 1024 * 1024
BOMB_BLOCKS = 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PAUSE = 0.01
Said = AsyncGenerator[bytes, None]


def bomb() -> bytes:
    """A gigabyte of zeros as a gzip stream of one megabyte: the same compressed block a thousand times."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = squeeze.compress(bytes(BOMB_BLOCK)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    again = squeeze.compress(bytes(BOMB_BLOCK)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + first + again * (BOMB_BLOCKS - 1)


async def silence() -> Said:
    """Not a byte. Called with https it is a TLS handshake that never goes on."""
    yield b""


def says(text: bytes) -> Callable[[], Said]:
    """These bytes, then nothing more, the connection open."""

    async def said() -> Said:
        yield text

    return said


def drips(head: bytes, drop: bytes) -> Callable[[], Said]:
    """A head at once, then a drop every few milliseconds for ever."""

    async def said() -> Said:
        yield head
        while True:
            yield drop
            await asyncio.sleep(PAUSE)

    return said


def floods(head: bytes, wave: bytes) -> Callable[[], Said]:
    """A head, then as much as the caller reads, for ever."""

    async def said() -> Said:
        yield head
        while True:
            yield wave

    return said


def behaviours() -> dict[str, Callable[[], Said]]:
    """All of them by name, with what each says to a request."""
    squeezed = bomb()
    gzip = OK + b"Content-Encoding: gzip\r\nContent-Length: " + str(len(squeezed)).encode() + b"\r\n\r\n"
    return {
        "silent": silence,
        "headers-stop": says(OK + b"X-Never: end"),
        "headers-drip": drips(OK + b"X-Drip: ", b"x"),
        "headers-flood": floods(OK, b"a:b\r\n" * 4_000),
        "interim-drip": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "interim-flood": floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
        "body-stop": says(OK + b"Content-Length: 9\r\n\r\n{}"),
        "body-drip": drips(OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
        "chunks-drip": drips(CHUNKED, b"1\r\nx\r\n"),
        "chunks-flood": floods(CHUNKED, b"1\r\nx\r\n" * 4_000),
        "body-flood": floods(OK + b"Content-Length: 999999999999\r\n\r\n", b"x" * 65536),
        "gzip-bomb": says(gzip + squeezed),
        "healthy": says(OK + b"Content-Length: 2\r\n\r\n{}"),
    }


async def serve(said: Callable[[], Said]) -> int:
    """Serve one behaviour; gives its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(65536)
            async with aclosing(said()) as parts:
                async for part in parts:
                    writer.write(part)
                    await writer.drain()
            await reader.read()
        except OSError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1000)
    port: int = server.sockets[0].getsockname()[1]
    return port


def never_reads() -> tuple[int, list[socket.socket]]:
    """A port whose connections stand and are never read."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1000)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return listening.getsockname()[1], [listening]


def never_accepts() -> tuple[int, list[socket.socket]]:
    """A port where the kernel has no room for another connection: connecting hangs."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    full = [listening]
    for _ in range(4):
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(listening.getsockname())
        full.append(waiting)
    return listening.getsockname()[1], full


class Names(asyncio.DatagramProtocol):
    """A name server: `hung…` gets no answer, any other name is 127.0.0.1."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question, or do not."""
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], data[end - 4 : end - 2]
        if question[1:5] == b"hung":
            return
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + b"\x7f\0\0\1" if kind == b"\0\1" else b""
        head = data[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, bool(answer), 0, 0)
        self.transport.sendto(head + question + answer, addr)


async def main() -> None:
    """Serve all, say where, and stay."""
    ports = {name: await serve(said) for name, said in behaviours().items()}
    kept: list[list[socket.socket]] = []
    for name, (port, sockets) in {"never-reads": never_reads(), "never-accepts": never_accepts()}.items():
        ports[name] = port
        kept.append(sockets)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    ports["names"] = transport.get_extra_info("sockname")[1]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class Misbehaving:
    """The process, with the ports by behaviour; `names` is the name server's (UDP)."""

    def __init__(self) -> None:
        source = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "merchantroute_kit.servers.misbehaving"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(source)},
        )
        assert self.process.stdout is not None  # noqa: S101 - a pipe, as asked for
        self.ports: dict[str, int] = json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """Leave no process behind."""
        self.process.kill()
        self.process.communicate()


if __name__ == "__main__":
    asyncio.run(main())

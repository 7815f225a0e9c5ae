"""A load balancer in front of several servers, in a process of its own, as a Kubernetes Service is in front of pods.

A connection goes to one of them at random, and stays there. One that refuses it, or closes it without a word, is left
for another one, as an endpoint that is not ready gets no connections; one that accepts and is silent is not, since no
probe tells it from a slow one.

`python -m merchantroute_kit.servers.load_balancer '[[5672, 5673], [15672, 15673]]'` prints a port for each list as one
line of JSON and serves until it is killed.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

_CHUNK = 65536
_Ends: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LoadBalancer:
    """The process, with `ports` on 127.0.0.1: one for each list of `backends`, which are ports there too."""

    def __init__(self, *backends: list[int]) -> None:
        source = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "merchantroute_kit.servers.load_balancer", json.dumps(backends)],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(source)},
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe, as asked for
        self.ports: tuple[int, ...] = tuple(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """Leave no process behind."""
        self._process.kill()
        self._process.communicate()


async def serve(backends: list[int]) -> int:
    """Listen in front of these ports; gives the port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _relay((reader, writer), random.sample(backends, len(backends)))
        except OSError:
            return
        finally:
            writer.transport.abort()  # also what a backend that stands still has not taken

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1000)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _relay(client: _Ends, backends: list[int]) -> None:
    """Find one that answers, then pass both ways until one side ends."""
    said = await client[0].read(_CHUNK)
    for port in backends if said else ():
        try:
            backend = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        try:
            said, answer = await _first_answer(client[0], backend, said)
            if answer:
                client[1].write(answer)
                await _either(_pass_on(client[0], backend[1]), _pass_on(backend[0], client[1]))
                return
        finally:
            backend[1].transport.abort()


async def _first_answer(client: asyncio.StreamReader, backend: _Ends, said: bytes) -> tuple[bytes, bytes]:
    """All that the client has said, and the backend's first words, empty where it closed. OSError: the client left."""
    backend[1].write(said)
    answering = asyncio.ensure_future(backend[0].read(_CHUNK))
    try:
        while True:
            more = asyncio.ensure_future(client.read(_CHUNK))
            await asyncio.wait((more, answering), return_when=asyncio.FIRST_COMPLETED)
            if not more.done():
                more.cancel()
                await asyncio.wait((more,))
            if not more.cancelled():
                if not more.result():
                    raise ConnectionResetError("the client has gone")
                said += more.result()
                backend[1].write(more.result())
            if answering.done():
                return said, b"" if answering.exception() else answering.result()
    finally:
        answering.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _either(*ways: Coroutine[object, object, None]) -> None:
    """Run both ways until one of them ends."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> None:
    """Serve all, say where, and stay."""
    ports = [await serve(backends) for backends in json.loads(sys.argv[1])]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())

"""Hundreds of reads at once would keep the API server busy for longer than the Lease's holder may take to renew it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from merchantroute_operator.kube.api import READS_AT_ONCE, Api
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.lease_store import LeaseStore
from merchantroute_operator.kube.watching.secret_watches import SecretWatches

ANSWER = b'{"metadata": {"name": "x", "resourceVersion": "7"}, "spec": {"holderIdentity": "a"}}'


class Slow:
    """An API server that answers for Leases at once, and for all else when it is ``free``."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.asked = 0
        self.changed = asyncio.Event()
        self.connections: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.current_task())
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                if "/leases/" not in head:
                    self.asked += 1
                    self.changed.set()
                    await self.free.wait()
                length = f"Content-Length: {len(ANSWER)}"
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{length}\r\n\r\n".encode() + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def reaches(self, asked: int) -> None:
        while self.asked < asked:
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def slow_server() -> AsyncIterator[tuple[Slow, Api]]:
    server = Slow()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        async with ApiClient(configuration) as client:
            yield server, Api(client)
        server.free.set()
        await asyncio.gather(*(each for each in server.connections if each is not None))


async def test_so_many_reads_are_under_way_and_the_others_come_after_them() -> None:
    async with slow_server() as (server, api):
        reads = [asyncio.create_task(KubeClient(api).route("orders", f"pos-{n}")) for n in range(2 * READS_AT_ONCE)]
        await server.reaches(READS_AT_ONCE)
        # An answer to a Lease shows that the loop has had time to send more, had there been more to send.
        found = await LeaseStore(api, "system", "operator").read()
        assert found is not None
        assert found.holder == "a"
        assert server.asked == READS_AT_ONCE
        server.free.set()
        await asyncio.gather(*reads)
        assert server.asked == 2 * READS_AT_ONCE


async def test_a_secret_is_watched_once_for_as_long_as_a_route_uses_it() -> None:
    async with slow_server() as (server, api):
        secrets = SecretWatches(api)
        rabbit, other = ("orders", "rabbitmq"), ("orders", "other")
        secrets.use("pos", frozenset({rabbit}))
        secrets.use("kiosk", frozenset({rabbit, other}))
        await server.reaches(1)  # for those with the label, which are listed before any is asked for by name
        secrets.use("pos", frozenset({other}))
        assert secrets._watches.keys() == {rabbit, other}
        secrets.use("kiosk", frozenset())
        assert secrets._watches.keys() == {other}
        secrets.use("pos", frozenset())
        assert not secrets._watches
        assert not secrets._users
        await secrets.close()

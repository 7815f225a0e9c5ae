"""Users of one vhost share its reads, and none of them depends on the credentials of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from merchantroute_operator.errors import BrokerRefusedCredentials
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool, VhostFigures
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import loopback
from tests.unit.operator.rabbit.odd_server import OddServer

USERS = ("burgers", "pizza", "sushi", "tacos")
QUEUES = b'[{"name": "mr.orders.pos.dead", "messages": 3}, {"name": "others"}]'


class Guarded(OddServer):
    """A management API with queues, which lets ``refused`` users in no more; ``asked`` are the users who asked."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()
        self.users: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        by = next(user for user in USERS if aiohttp.encode_basic_auth(user, "p4ss").encode() in head)
        self.users.append(by)
        if by in self.refused:
            self.say(b'{"reason": "Login failed"}', status="401 Unauthorized")
        else:
            self.say(QUEUES)
        writer.write(self.raw)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def pool_of(server: Guarded, users: Iterable[str] = USERS) -> AsyncIterator[BrokerPool]:
    """Each user is another team's, with a route of its own."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    pool = BrokerPool("mr-pulses.c", lambda _: None, loopback())
    try:
        for user in users:
            address = BrokerAddress("127.0.0.1", 1, user, "p4ss", "/", f"http://127.0.0.1:{port}")
            await pool.use((user, "pos"), address)
        yield pool
    finally:
        await pool.close()
        listening.close()
        await listening.wait_closed()


def only(pool: BrokerPool) -> VhostFigures:
    (figures,) = pool.vhosts()
    return figures


async def test_four_users_of_a_vhost_are_one_read() -> None:
    server = Guarded()
    async with pool_of(server) as pool:
        found = await only(pool).samples()
        assert {name: sample.messages for name, sample in found.items()} == {"mr.orders.pos.dead": 3}
        assert only(pool).users == tuple((user, "pos") for user in USERS)
    assert len(server.users) == 1


async def test_a_user_with_a_wrong_password_takes_nobodys_figures_away() -> None:
    server = Guarded()
    server.refused = {"burgers"}
    async with pool_of(server) as pool:
        assert await only(pool).samples()
        assert server.users == ["burgers", "pizza"]
        await only(pool).samples()
    assert server.users == ["burgers", "pizza", "pizza"]


async def test_only_a_few_are_tried_and_the_first_refusal_is_told() -> None:
    server = Guarded()
    server.refused = set(USERS)
    async with pool_of(server) as pool:
        with pytest.raises(BrokerRefusedCredentials):
            await only(pool).samples()
    assert server.users == list(USERS[:3])


async def test_routes_that_are_gone_are_no_users_and_the_last_one_closes_the_vhost() -> None:
    async with pool_of(Guarded(), USERS[:2]) as pool:
        figures = only(pool)
        await pool.release(("burgers", "pos"))
        assert figures.users == (("pizza", "pos"),)
        await pool.release(("pizza", "pos"))
        assert not tuple(pool.vhosts())
        assert not figures.users


async def test_a_route_that_goes_to_another_vhost_is_no_user_of_the_one_before() -> None:
    async with pool_of(Guarded(), USERS[:2]) as pool:
        before = only(pool)
        moved = BrokerAddress("127.0.0.1", 1, "burgers", "p4ss", "other", before.vhost[0])
        await pool.use(("burgers", "pos"), moved)
        assert before.users == (("pizza", "pos"),)
        assert [each.users for each in pool.vhosts()] == [(("pizza", "pos"),), (("burgers", "pos"),)]


async def test_routes_with_the_same_user_share_a_broker_until_the_last_one_goes() -> None:
    async with pool_of(Guarded(), USERS[:1]) as pool:
        address = pool.address(("burgers", "pos"))
        assert address is not None
        first = await pool.use(("burgers", "pos"), address)
        assert await pool.use(("burgers", "kiosk"), address) is first
        await pool.release(("burgers", "pos"))
        assert pool.known(("burgers", "kiosk")) is first
        assert only(pool).users == (("burgers", "kiosk"),)
        await pool.release(("burgers", "kiosk"))
        assert not tuple(pool.vhosts())

"""After a plan that only binds and unbinds, the bindings of its exchanges are read, and not those of the vhost."""

from __future__ import annotations

import asyncio
import json

import pytest

from merchantroute_operator.topology.objects import Bind, Binding, Declare, Exchange, Plan, Topology, Unbind
from tests.unit.operator.rabbit.odd_server import OddServer, odd_broker

DOOR = "mr.orders.pos"
ASSIGNED = f"{DOOR}.assigned"
TIER = Exchange(f"{DOOR}.standard", "fanout", {})
OLD = Binding(ASSIGNED, TIER.name, "exchange", "taco")
NEW = Binding(ASSIGNED, TIER.name, "exchange", "burger")
BESIDE = Binding(DOOR, ASSIGNED, "exchange")
OBSERVED = Topology({TIER.name: TIER}, {}, frozenset({OLD, BESIDE}))


def answering(*bindings: Binding) -> OddServer:
    """The management API: whatever is asked for, these are the bindings."""
    server = OddServer()
    rows = [
        {
            "source": each.source,
            "destination": each.target,
            "destination_type": each.to,
            "routing_key": each.key,
            "arguments": {},
        }
        for each in bindings
    ]
    server.say(json.dumps(rows).encode())
    return server


def paths(server: OddServer) -> list[str]:
    return [head.split()[1].decode().partition("?")[0].removeprefix("/api/") for head in server.asked]


async def test_the_bindings_of_the_plans_exchange_are_read_and_nothing_else() -> None:
    server = answering(NEW)
    async with odd_broker(server) as broker:
        found = await broker.observe_after(((Bind(NEW),), (Unbind(OLD),)), DOOR, OBSERVED)
    assert found == Topology({TIER.name: TIER}, {}, frozenset({NEW, BESIDE}))
    assert paths(server) == [f"exchanges/%2F/{ASSIGNED}/bindings/source"]


@pytest.mark.parametrize(
    "plan",
    [
        ((Declare(TIER), Bind(NEW)),),
        (tuple(Bind(Binding(f"{DOOR}.{number}", TIER.name, "exchange")) for number in range(5)),),
    ],
    ids=["more than bindings", "many exchanges"],
)
async def test_after_any_other_plan_the_vhost_is_read(plan: Plan) -> None:
    server = answering()
    async with odd_broker(server) as broker:
        assert await broker.observe_after(plan, DOOR, OBSERVED) == Topology({}, {}, frozenset())
    assert sorted(paths(server)) == ["bindings/%2F", "exchanges/%2F", "queues/%2F"]


class WithoutTheExchange(OddServer):
    """Lists are empty, and the bindings of an exchange those of one that is not there."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        self.say(b"{}", status="404 Not Found") if b"/source?" in head else self.say(b"[]")
        writer.write(self.raw)
        await writer.drain()
        writer.close()


async def test_where_the_exchange_is_gone_the_vhost_is_read() -> None:
    server = WithoutTheExchange()
    async with odd_broker(server) as broker:
        assert await broker.observe_after(((Bind(NEW),),), DOOR, OBSERVED) == Topology({}, {}, frozenset())
    assert len(server.asked) == 4

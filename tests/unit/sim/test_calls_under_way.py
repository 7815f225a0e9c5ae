"""The most calls at a time of a merchant whose behaviour was set are counted, whatever becomes of them."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from merchant_sim.server import application


async def test_the_most_calls_at_a_time_are_told() -> None:
    async with TestClient(TestServer(application())) as client:
        await client.put("/admin/merchants/slow", json={"latency": {"p50_ms": 100, "p99_ms": 100}})
        await client.get("/m/slow/orders/1", headers={"Idempotency-Key": "1:confirm"})
        await asyncio.gather(
            *(client.get(f"/m/slow/orders/{n}", headers={"Idempotency-Key": f"{n}:confirm"}) for n in range(3)),
            client.get("/m/other/orders/1"),
        )
        assert (await (await client.get("/admin/stats")).json())["peaks"] == {"slow": 3}
        await client.post("/admin/reset")
        assert (await (await client.get("/admin/stats")).json())["peaks"] == {}

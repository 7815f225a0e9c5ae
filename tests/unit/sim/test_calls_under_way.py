"""How many calls of a merchant were under way together is counted, whatever became of them."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from merchant_sim.server import application


async def test_the_most_of_each_merchant_is_told() -> None:
    async with TestClient(TestServer(application())) as client:
        await client.put("/admin/merchants/slow", json={"latency": {"p50_ms": 100, "p99_ms": 100}})
        await client.get("/m/slow/orders/1", headers={"Idempotency-Key": "1:confirm"})
        await asyncio.gather(
            *(client.get(f"/m/slow/orders/{n}", headers={"Idempotency-Key": f"{n}:confirm"}) for n in range(3)),
            client.get("/m/other/orders/1"),
        )
        assert await (await client.get("/admin/most-at-once")).json() == {"slow": 3, "other": 1}
        await client.post("/admin/reset")
        assert await (await client.get("/admin/most-at-once")).json() == {}

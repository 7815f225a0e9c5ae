"""Over real HTTP: each misbehaviour reaches the caller as from a real merchant, and the book tells the truth."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, ClientTimeout, web

from merchant_sim.server import application, runner

ORDER = {"id": "r-1", "items": [{"name": "x", "quantity": 1, "unit_price": 5}], "total": 5}


class Caller:
    """A client of one running merchant-sim."""

    def __init__(self, http: ClientSession) -> None:
        self.http = http

    async def submit(self, number: int = 1, *, within: float = 5) -> tuple[int, str, dict[str, str]]:
        order = {**ORDER, "id": f"r-{number}"}
        key = {"Idempotency-Key": f"r-{number}:submit"}
        limit = ClientTimeout(total=within)
        async with self.http.post("/m/shop/orders", json=order, headers=key, timeout=limit) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def behave(self, **body: Any) -> None:
        async with self.http.put("/admin/merchants/shop", json=body) as answer:
            assert answer.status == 200

    async def get(self, path: str) -> dict[str, Any]:
        async with self.http.get(path) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def until_hung(self, calls: int) -> None:
        async with asyncio.timeout(10):
            while (await self.get("/admin/stats"))["hung"] != calls:
                pass

    async def record(self, number: int = 1) -> dict[str, int]:
        orders: dict[str, Any] = (await self.get("/admin/receipts?run=r-"))["orders"]
        step: dict[str, int] = orders.get(f"r-{number}", {}).get("submit", {})
        return step


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    serving = runner(application(seed=1))
    await serving.setup()
    await web.TCPSite(serving, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{serving.addresses[0][1]}") as http:
        async with http.put("/admin/default", json={"latency": {"p50_ms": 0, "p99_ms": 0}}) as answer:
            assert answer.status == 200
        yield Caller(http)
    await serving.cleanup()


async def test_a_hung_merchant_receives_and_never_answers(caller: Caller) -> None:
    await caller.behave(behaviour="hang")
    with pytest.raises(asyncio.TimeoutError):
        await caller.submit(within=0.2)
    record = await caller.record()
    assert (record["receipts"], record["effects"]) == (1, 0)


async def test_a_hung_call_stays_hung_when_the_merchant_heals_and_is_let_go_when_its_caller_hangs_up(
    caller: Caller,
) -> None:
    await caller.behave(behaviour="hang")
    hung = asyncio.create_task(caller.submit(1, within=60))
    await caller.until_hung(1)
    await caller.behave(behaviour="normal")
    assert (await caller.submit(2))[0] == 201
    assert not hung.done()
    hung.cancel()
    await caller.until_hung(0)


async def test_a_mute_merchant_carries_the_order_out_and_never_says_so(caller: Caller) -> None:
    await caller.behave(behaviour="mute")
    muted = asyncio.create_task(caller.submit(within=60))
    await caller.until_hung(1)
    record = await caller.record()
    assert (record["receipts"], record["effects"]) == (1, 1)
    muted.cancel()
    await caller.until_hung(0)


async def test_a_merchant_that_knows_no_keys_says_that_it_has_the_order_already(caller: Caller) -> None:
    await caller.behave(conflict=True)
    assert [(await caller.submit())[0] for _ in range(2)] == [201, 409]
    record = await caller.record()
    assert (record["receipts"], record["effects"]) == (2, 1)


async def test_a_refused_connection_is_no_receipt(caller: Caller) -> None:
    await caller.behave(behaviour="refuse")
    with pytest.raises(ClientConnectionError):
        await caller.submit()
    assert await caller.record() == {}


async def test_a_reset_cuts_the_answer_and_half_of_the_orders_took_effect(caller: Caller) -> None:
    await caller.behave(behaviour="reset")
    for number in range(40):
        with pytest.raises((ClientConnectionError, ClientPayloadError)):
            await caller.submit(number)
    effects = [(await caller.record(number))["effects"] for number in range(40)]
    assert 5 < sum(effects) < 35


async def test_a_dripping_answer_takes_a_pause_for_every_byte(caller: Caller) -> None:
    await caller.behave(behaviour="drip", drip_ms=5)
    begun = asyncio.get_running_loop().time()
    status, text, _ = await caller.submit()
    assert status == 201
    assert asyncio.get_running_loop().time() - begun >= 0.005 * len(text)


async def test_a_throttling_merchant_says_when_to_come_back(caller: Caller) -> None:
    await caller.behave(behaviour="throttle", retry_after_s=7)
    status, _, headers = await caller.submit()
    assert (status, headers["Retry-After"]) == (429, "7")


async def test_a_merchant_with_a_rate_takes_so_many_calls_and_throttles_the_others(caller: Caller) -> None:
    await caller.behave(behaviour="throttle", calls_per_s=3)
    statuses = [(await caller.submit(number))[0] for number in range(5)]
    assert statuses == [201, 201, 201, 429, 429]


async def test_a_merchant_that_fails_at_one_order_takes_the_others(caller: Caller) -> None:
    await caller.behave(poison="r-7", error_status=502)
    assert [(await caller.submit(number))[0] for number in (7, 70, 8)] == [502, 201, 201]
    assert (await caller.record(7))["effects"] == 0


async def test_a_failing_merchant_has_no_effect(caller: Caller) -> None:
    await caller.behave(behaviour="error")
    assert (await caller.submit())[0] == 500
    assert (await caller.record())["effects"] == 0


async def test_a_merchant_that_asks_for_a_token_refuses_strangers(caller: Caller) -> None:
    await caller.behave(auth={"type": "Bearer", "token": "t"})
    assert (await caller.submit())[0] == 401
    caller.http.headers["Authorization"] = "Bearer t"
    assert (await caller.submit())[0] == 201


async def test_a_reset_of_the_book_begins_another(caller: Caller) -> None:
    await caller.submit()
    before = (await caller.get("/admin/stats"))["book"]
    async with caller.http.post("/admin/reset") as answer:
        assert answer.status == 200
    assert await caller.record() == {}
    assert (await caller.get("/admin/stats"))["book"] != before

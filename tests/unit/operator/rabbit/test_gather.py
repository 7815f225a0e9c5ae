"""Calls to the broker side by side: the first failure ends them, and none is left under way."""

from __future__ import annotations

import asyncio

import pytest

from merchantroute_operator.errors import BrokerError
from merchantroute_operator.rabbit.gather import gather
from merchantroute_operator.rabbit.management import AT_ONCE


async def test_what_had_begun_ends_before_the_failure_is_told() -> None:
    failed, ended = asyncio.Event(), []

    async def call(number: int) -> None:
        if number == AT_ONCE - 1:
            failed.set()
            raise BrokerError("no")
        await failed.wait()
        await asyncio.sleep(0)
        ended.append(number)

    with pytest.raises(BrokerError, match="no"):
        await gather(range(10 * AT_ONCE), call)

    assert ended == list(range(AT_ONCE - 1))


async def test_every_call_is_made_once() -> None:
    made: list[int] = []

    async def call(number: int) -> None:
        await asyncio.sleep(0)
        made.append(number)

    await gather(range(3 * AT_ONCE + 1), call)

    assert sorted(made) == list(range(3 * AT_ONCE + 1))

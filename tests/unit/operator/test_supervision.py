"""A loop of the operator that ends by an error is started again, and counted; only being cancelled ends it."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from merchantroute_operator.supervision import keep_running


def restarts(loop: str) -> float:
    return REGISTRY.get_sample_value("merchantroute_operator_restarts_total", {"loop": loop}) or 0.0


async def test_a_loop_that_breaks_runs_again_and_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    begun = 0
    third = asyncio.Event()

    async def loop() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ValueError("of a tenant")
        third.set()
        await asyncio.Event().wait()

    before = restarts("test")
    running = asyncio.create_task(keep_running("test", loop, first=0))
    await asyncio.wait_for(third.wait(), 10)
    assert restarts("test") == before + 2
    assert "test ended by an error" in caplog.text
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_loop_is_cancelled_with_what_keeps_it_running() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def loop() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = asyncio.create_task(keep_running("test", loop))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_a_loop_that_has_ended_well_is_left_alone() -> None:
    async def loop() -> None:
        return

    before = restarts("test")
    await keep_running("test", loop)
    assert restarts("test") == before

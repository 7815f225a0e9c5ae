"""Liveness is the heartbeat's alone: nothing that a server or a tenant does makes Kubernetes restart the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from aiohttp import ClientSession

from merchantroute_kit.servers.ports import free_port, loopbacks
from merchantroute_operator.health import STUCK_AFTER, Health


@dataclass
class Heartbeat:
    late: float = 0.0

    def stuck_for(self) -> float:
        return self.late


async def status(health: Health) -> int:
    return (await health.answer(cast(Any, None))).status


async def test_a_standby_is_alive() -> None:
    assert await status(Health()) == 200


async def test_only_a_heartbeat_that_is_late_for_long_fails_the_probe() -> None:
    health, heart = Health(), Heartbeat()
    health.watch(heart)
    assert await status(health) == 200
    heart.late = STUCK_AFTER
    assert await status(health) == 200
    heart.late = STUCK_AFTER + 1
    assert await status(health) == 503


@pytest.mark.parametrize("host", loopbacks())
async def test_the_probe_is_answered_on_ipv4_and_on_ipv6(host: str) -> None:
    port, at = free_port(), f"[{host}]" if ":" in host else host
    async with (
        Health().serve(port),
        ClientSession() as session,
        session.get(f"http://{at}:{port}/healthz") as answer,
    ):
        assert answer.status == 200

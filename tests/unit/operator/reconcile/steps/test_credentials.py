"""Secrets that are missing are looked up once each, several at a time."""

from __future__ import annotations

import asyncio
from collections import Counter

from merchantroute_operator.kube.kube_port import SecretData
from merchantroute_operator.reconcile.steps.credentials import AT_ONCE, collect
from merchantroute_operator.spec.parse import parse
from tests.unit.operator.fake_ports import MemoryKube
from tests.unit.operator.route_samples import raw_route


class Slow(MemoryKube):
    """Answers nobody before as many have asked as may at once."""

    def __init__(self) -> None:
        super().__init__([], None)
        self.asked: Counter[str] = Counter()
        self.secrets = {}
        self.together = asyncio.Barrier(AT_ONCE)

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        del namespace
        self.asked[name] += 1
        await self.together.wait()
        return None


async def test_five_hundred_merchants_without_their_secret_are_looked_up_side_by_side_and_once() -> None:
    names = [f"secret-{number}" for number in range(10 * AT_ONCE)]
    raw = raw_route(merchants={f"m-{number}": "standard" for number in range(500)})
    for number, merchant in enumerate(raw["spec"]["merchants"]):
        merchant["credentials"] = {"type": "Bearer", "secretRef": {"name": names[number % len(names)]}}
    kube = Slow()
    async with asyncio.timeout(10):
        found, problems = await collect(kube, parse(raw))
    assert (found, len(problems)) == ({}, 500)
    assert kube.asked == Counter(names)

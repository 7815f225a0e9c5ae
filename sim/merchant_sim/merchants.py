"""The merchants' side of the server: any request under /m/<merchant>/ meets that merchant's behaviour."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Never

from aiohttp import web

from merchant_sim import delivery
from merchant_sim.behaviour import Behaviour, Outcome, Plan, decide
from merchant_sim.pos import Answer, Call, PointOfSale
from merchant_sim.rate import Rate


class Merchants:
    """Behaviours by merchant over one point of sale. `hung`, `served` and `peaks` are figures for /admin/stats: `peaks`
    has the most calls at a time of each merchant with a behaviour of its own, since that was set.
    """

    def __init__(self, pos: PointOfSale, dice: Random, clock: Callable[[], float] = time.monotonic) -> None:
        self.pos = pos
        self.default = Behaviour()
        self.own: dict[str, Behaviour] = {}
        self.hung = 0
        self.served: Counter[str] = Counter()
        self.peaks: dict[str, int] = {}
        self._calls: Counter[str] = Counter()
        self._dice = dice
        self._clock = clock
        self._rates: dict[str, Rate] = {}

    def behaviour(self, merchant: str) -> Behaviour:
        """Its own behaviour, or everybody's."""
        return self.own.get(merchant, self.default)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call. A refused connection was never a receipt; everything else is noted before anything happens."""
        merchant = request.match_info["merchant"]
        self._calls[merchant] += 1
        if merchant in self.own:
            self.peaks[merchant] = max(self.peaks.get(merchant, 0), self._calls[merchant])
        try:
            return await self._answer(request, merchant)
        finally:
            self._calls[merchant] -= 1
            if not self._calls[merchant]:
                del self._calls[merchant]

    async def _answer(self, request: web.Request, merchant: str) -> web.StreamResponse:
        behaviour = self.behaviour(merchant)
        plan = self._within_rate(merchant, behaviour, decide(behaviour, self._dice))
        self.served[plan.outcome.value] += 1
        if plan.outcome is Outcome.REFUSE:
            await delivery.cut(request)
        call = await _read(request, merchant)
        early = self.pos.receive(call)
        if plan.outcome is Outcome.HANG:
            await self._hang()
        if plan.outcome is Outcome.THROTTLE:
            busy = Answer(429, {"error": "too many requests"})
            return delivery.whole(busy, {"Retry-After": str(behaviour.retry_after_s)})
        if plan.outcome is Outcome.RESET_BEFORE:
            await delivery.reset(request, None)
        if behaviour.auth is not None and not behaviour.auth.admits(request.headers):
            early = Answer(401, {"error": f"need {behaviour.auth.type} credentials"})
        if plan.outcome is Outcome.ERROR or (behaviour.poison and call.key.startswith(f"{behaviour.poison}:")):
            early = Answer(behaviour.error_status, {"error": "the point of sale failed"})
        # The order takes effect before the wait: a caller who gives up in between has been served all the same.
        answer = early or self.pos.serve(call, conflict=behaviour.conflict)
        if plan.outcome is Outcome.MUTE:
            await self._hang()
        await asyncio.sleep(plan.delay)
        if plan.outcome is Outcome.DRIP:
            return await delivery.drip(request, answer, behaviour.drip_ms / 1000)
        if plan.outcome is Outcome.RESET_AFTER:
            await delivery.reset(request, answer)
        return delivery.whole(answer)

    def _within_rate(self, merchant: str, behaviour: Behaviour, plan: Plan) -> Plan:
        if plan.outcome is Outcome.THROTTLE and behaviour.calls_per_s:
            rate = self._rates.setdefault(merchant, Rate())
            if rate.takes(behaviour.calls_per_s, self._clock()):
                return replace(plan, outcome=Outcome.ANSWER)
        return plan

    async def _hang(self) -> Never:
        self.hung += 1
        try:
            await delivery.never()
        finally:
            self.hung -= 1


async def _read(request: web.Request, merchant: str) -> Call:
    path = request.rel_url.raw_path.split("/", 3)  # "", "m", merchant, rest
    return Call(
        merchant=merchant,
        method=request.method,
        path="/" + (path[3] if len(path) > 3 else ""),
        key=request.headers.get("Idempotency-Key", ""),
        body=await request.read(),
    )

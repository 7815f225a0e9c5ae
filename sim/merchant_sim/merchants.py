"""The merchants' side of the server: any request under /m/<merchant>/ meets that merchant's behaviour."""

import asyncio
from collections import Counter
from random import Random
from typing import Never

from aiohttp import web

from merchant_sim import delivery
from merchant_sim.behaviour import Behaviour, Outcome, decide
from merchant_sim.pos import Answer, Call, PointOfSale


class Merchants:
    """Behaviours by merchant over one point of sale. `hung` and `served` are figures for /admin/stats."""

    def __init__(self, pos: PointOfSale, dice: Random) -> None:
        self.pos = pos
        self.default = Behaviour()
        self.own: dict[str, Behaviour] = {}
        self.hung = 0
        self.served: Counter[str] = Counter()
        self._dice = dice

    def behaviour(self, merchant: str) -> Behaviour:
        """Its own behaviour, or everybody's."""
        return self.own.get(merchant, self.default)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call. A refused connection was never a receipt; everything else is noted before anything happens."""
        merchant = request.match_info["merchant"]
        behaviour = self.behaviour(merchant)
        plan = decide(behaviour, self._dice)
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
        if plan.outcome is Outcome.ERROR:
            early = Answer(500, {"error": "the point of sale failed"})
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

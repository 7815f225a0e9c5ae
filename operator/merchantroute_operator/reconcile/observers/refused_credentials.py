"""Notices merchants that refuse their credentials, as pulses say: the statuses of route and Merchants name them."""

from __future__ import annotations

from merchantroute_operator.reconcile.observers.tick import Tick

STAYS = 15.0
"""Seconds for which a merchant stays one after the last pulse that said so: a pod asks it again now and then."""


async def notice_refused_credentials(tick: Tick) -> bool:
    """Whether a merchant began or ceased to refuse them."""
    ctx, state, now = tick.ctx, tick.state, tick.ctx.monotonic()
    pulses = ctx.pulses.of(tick.route.namespace, tick.route.name)
    refusing = {merchant: now for pulse in pulses for merchant in pulse.credentials_refused}
    staying = {merchant: since for merchant, since in state.credentials_refused.items() if now - since < STAYS}
    before, state.credentials_refused = state.credentials_refused, staying | refusing
    return before.keys() != state.credentials_refused.keys()

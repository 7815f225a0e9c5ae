"""Notices merchants that refuse their credentials, or that lead where no call may go, as pulses say: the statuses of
route and Merchants name them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from merchantroute_operator.reconcile.observers.tick import Tick

STAYS = 15.0
"""Seconds for which a merchant stays one after the last pulse that said so: a pod asks it again now and then."""


async def notice_troubled_merchants(tick: Tick) -> bool:
    """Whether a merchant began or ceased to be one of them."""
    state, now = tick.state, tick.ctx.monotonic()
    pulses = tick.ctx.pulses.of(tick.route.namespace, tick.route.name)
    refused, forbidden = state.credentials_refused, state.forbidden
    said = [merchant for pulse in pulses for merchant in pulse.credentials_refused]
    state.credentials_refused = _latest(refused, said, now)
    said = [merchant for pulse in pulses for merchant in pulse.forbidden]
    state.forbidden = _latest(forbidden, said, now)
    return refused.keys() != state.credentials_refused.keys() or forbidden.keys() != state.forbidden.keys()


def _latest(before: Mapping[str, float], said: Collection[str], now: float) -> dict[str, float]:
    """Each of them with when a pod last said so."""
    staying = {merchant: since for merchant, since in before.items() if now - since < STAYS}
    return staying | dict.fromkeys(said, now)

"""Notices that a lane's user at the broker is not as the last reconcile left it.

The users are read once for all routes of a vhost, and as often as its topology is.
"""

from __future__ import annotations

import asyncio
import logging

from merchantroute_operator.errors import RouteError, UsersNotAllowed
from merchantroute_operator.reconcile.observers.tick import Tick

logger = logging.getLogger(__name__)
PATIENCE = 10.0  # seconds for the broker's answer


async def notice_user_drift(tick: Tick) -> bool:
    """Whether a user is gone, or has other rights, tags or another password than the last reconcile left it with.

    Also whether the operator may no longer look, until a reconcile has told it.
    """
    left = tick.state.seen.users
    has_users = tick.route.users_per_lane or (tick.state.findings is not None and tick.state.findings.users.versions)
    if not has_users or not left or tick.seen.topology is None or not tick.may_repair:
        return False
    broker = tick.ctx.brokers.known(tick.key)
    if broker is None:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            found = await broker.users(tick.ctx.resync / 2)
    except UsersNotAllowed:
        return tick.state.findings is None or tick.state.findings.users.problem is None
    except (RouteError, TimeoutError) as error:
        logger.info("users of route %s/%s cannot be compared: %s", *tick.key, str(error) or "no answer in time")
        return False
    return any(found.get(name) != user for name, user in left.items())

"""Writes the Merchants' statuses: each only when it says something new, and a bounded number a second.

5,000 objects that appear at once get theirs one by one in the background, while reconciles go on. What is wanted twice
before it is written is written once, as it was wanted last. What passes by itself (Pending) comes after what
stays: in a crowd most are bound by the time of their turn, and are written once instead of twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from merchantroute_operator.errors import KubeConflict, KubeError
from merchantroute_operator.kube.kube_port import Kube
from merchantroute_operator.reconcile.merchants.claims import Claims
from merchantroute_operator.reconcile.state.backoff import LONGEST_ASKED
from merchantroute_operator.spec.claim import Claim, parse_claim
from merchantroute_operator.status.merchant import PENDING

logger = logging.getLogger(__name__)
A_SECOND = 100.0  # writes
AT_ONCE = 4
_Wanted = dict[tuple[str, str], tuple[Claim, dict[str, Any]]]  # by namespace and name


class MerchantStatusWriter:
    """The statuses that wait to be written, by object."""

    def __init__(self, kube: Kube, claims: Claims) -> None:
        self._kube = kube
        self._claims = claims
        self._staying: _Wanted = {}
        self._passing: _Wanted = {}
        self._some = asyncio.Event()
        self._next = 0.0

    @property
    def waiting(self) -> int:
        """How many statuses have yet to be written."""
        return len(self._staying) + len(self._passing)

    def want(self, claim: Claim, status: dict[str, Any]) -> None:
        """The object should have this status."""
        key = claim.namespace, claim.name
        current = self._claims.current(claim)
        mine, other = self._staying, self._passing
        if status["state"] == PENDING:
            mine, other = other, mine
        other.pop(key, None)
        if current is None or current.status == status:
            mine.pop(key, None)
        else:
            mine[key] = claim, status
            self._some.set()

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._writer())

    async def _writer(self) -> None:
        while True:
            while not self.waiting:
                self._some.clear()
                await self._some.wait()
            await self._pace()
            await self.write_one()

    async def _pace(self) -> None:
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + 1 / A_SECOND
        await asyncio.sleep(turn - now)

    async def write_one(self) -> None:
        """Write what has waited longest; one that fails is wanted again by the route's next pass."""
        wanted = self._staying or self._passing
        if not wanted:
            return
        claim, status = wanted.pop(next(iter(wanted)))
        if (current := self._claims.current(claim)) is None:
            return
        try:
            stored = await self._kube.write_merchant_status(claim.namespace, claim.name, current.version, status)
        except KubeConflict:
            return  # somebody wrote in between: the watch delivers the newer object
        except KubeError as error:
            self._next = max(self._next, time.monotonic() + min(error.retry_after, LONGEST_ASKED))
            logger.warning("status of merchant %s/%s cannot be written: %s", claim.namespace, claim.name, error)
            return
        if stored is not None:
            self._claims.put(parse_claim(stored))

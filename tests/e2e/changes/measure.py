"""What a change did to the orders that were offered meanwhile, as a row of the table."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from merchantroute_kit.waiting import until
from tests.e2e.changes.catalogue import Change
from tests.e2e.changes.site import Site
from tests.e2e.web_shop import WebShop

MERCHANTS = ("shop-a", "shop-b", "shop-c")
WARM, AFTERWARDS = 2.5, 2.5  # seconds of orders before the change and after it


@dataclass(frozen=True)
class Row:
    """A line of the table; ``gap_ms`` is the longest time between two completions of the changed tier meanwhile."""

    change: str
    published: int
    done: int
    dead: int
    lost: int
    doubled: int
    gap_ms: int

    def is_clean(self) -> bool:
        """Whether every order was done, once."""
        return self.done == self.published and not (self.dead or self.lost or self.doubled)

    def document(self) -> dict[str, Any]:
        """As it is in build/changes.json."""
        return asdict(self)


def measured(name: str, change: Change, site: Site, rate: float) -> Row:
    """Make the change while orders are offered at ``rate`` a second, and reckon once all are settled."""
    web_shop = site.web_shop
    with web_shop.stream(MERCHANTS, rate=rate):
        until(lambda: len(web_shop.done()) > WARM * rate, "orders flow")
        begun = time.time()
        change.make(site)
        so_far = len(web_shop.done())
        until(lambda: len(web_shop.done()) > so_far + AFTERWARDS * rate, "orders flow on")
        ended = time.time()
    ledger = web_shop.settled(180)
    return Row(
        change=name,
        published=len(ledger.published),
        done=len(ledger.done),
        dead=len(ledger.dead),
        lost=ledger.lost,
        doubled=len(ledger.doubled | ledger.copies),
        gap_ms=_gap(web_shop, change.lane, begun, ended),
    )


def _gap(web_shop: WebShop, tier: str, begun: float, ended: float) -> int:
    stamps = sorted(
        one.finished_at for said in web_shop.observed.completions.values() for one in said if one.tier == tier
    )
    within = [stamp for stamp in stamps if begun * 1000 - 1000 <= stamp <= ended * 1000]
    return max((later - earlier for earlier, later in pairwise(within)), default=0)

"""Merchants whose endpoints led to no address that the route allows, for pulses.

It ends with another endpoint or other rules, with a call that reaches the merchant, or when long no order met it.
"""

from collections.abc import Callable
from typing import NamedTuple

from merchantroute_worker.egress.rules import Egress
from merchantroute_worker.runtime.threads import native_lock

MOST_MERCHANTS = 1_000
MEMORY = 600.0
"""Seconds after the last order that met it: its orders are dead letters, so nothing asks again by itself."""


class Forbidden(NamedTuple):
    """When an order last met it (monotonic seconds), with which endpoint, and by which rules."""

    at: float
    endpoint: str
    egress: Egress


class ForbiddenMerchants:
    """Those of one pod, in `met`. Thread-safe."""

    def __init__(self, most: int = MOST_MERCHANTS) -> None:
        self.met: dict[str, Forbidden] = {}
        self._most = most
        self._lock = native_lock()

    def add(self, merchant: str, forbidden: Forbidden) -> None:
        """Note that a call to the merchant was not made."""
        with self._lock:
            self.met.pop(merchant, None)
            if len(self.met) >= self._most:
                del self.met[next(iter(self.met))]
            self.met[merchant] = forbidden

    def reached(self, merchant: str) -> None:
        """Note that a call reached the merchant."""
        with self._lock:
            self.met.pop(merchant, None)

    def changed(self, endpoint_of: Callable[[str], str | None], egress: Egress) -> None:
        """Drop those that have another endpoint now, or that other rules hold for."""
        with self._lock:
            self.met = {
                merchant: met
                for merchant, met in self.met.items()
                if met.egress == egress and met.endpoint == endpoint_of(merchant)
            }

    def names(self, now: float) -> list[str]:
        """Give the merchants, the latest last, and drop those that no order met for long."""
        with self._lock:
            self.met = {merchant: met for merchant, met in self.met.items() if now - met.at <= MEMORY}
            return list(self.met)

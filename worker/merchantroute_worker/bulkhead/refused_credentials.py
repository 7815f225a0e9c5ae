"""Merchants that refuse this pod's credentials (401, 403): their orders wait, and one of them asks again now and then.
Pure: times are the caller's, in seconds.

A merchant's token may be rotated before its Secret is, so what is refused is the credential and not the order. It ends
with another credential, or when the merchant takes the step that it refused: then its own service was at fault.
Asking again with every order would look like an attack on the account, so orders ask at growing intervals.
"""

from collections.abc import Callable
from typing import NamedTuple

FIRST, LONGEST = 1.0, 60.0
"""Seconds between two orders that ask again: at first, and at most; each interval is twice the one before."""
MOST_MERCHANTS = 10_000
MEMORY = 600.0
"""Seconds after an order could have asked again, and none did."""


class Refusal(NamedTuple):
    """A merchant's refusal of a credential (any value that compares) at a step, since when, and when an order may ask
    again, `interval` seconds after the last one.
    """

    credential: object
    step: str
    since: float
    interval: float
    next_ask: float


class RefusedCredentials:
    """The refusals of a pod's merchants."""

    def __init__(self, most: int = MOST_MERCHANTS) -> None:
        self._refusals: dict[str, Refusal] = {}
        self._most = most

    def __contains__(self, merchant: str) -> bool:
        return merchant in self._refusals

    def __bool__(self) -> bool:
        return bool(self._refusals)

    def refused(self, merchant: str, credential: object, *, step: str, began: float, now: float) -> None:
        """Note that the merchant refused the credential in a call that began then."""
        before = self._refusals.get(merchant)
        if before is None or before.credential != credential:
            if before is None and len(self._refusals) >= self._most:
                del self._refusals[next(iter(self._refusals))]
            self._refusals[merchant] = Refusal(credential, step, now, FIRST, now + FIRST)
        elif began >= before.next_ask - before.interval:
            interval = min(2 * before.interval, LONGEST)
            self._refusals[merchant] = before._replace(step=step, interval=interval, next_ask=now + interval)

    def accepted(self, merchant: str, step: str | None) -> None:
        """Note that the merchant took a step, None for all that an order had left."""
        refusal = self._refusals.get(merchant)
        if refusal is not None and step in {None, refusal.step}:
            del self._refusals[merchant]

    def asks_again(self, merchant: str, now: float) -> None:
        """Note that an order of the merchant begins: if something was refused, it is the one that asks again."""
        refusal = self._refusals.get(merchant)
        if refusal is not None:
            self._refusals[merchant] = refusal._replace(next_ask=now + refusal.interval)

    def left(self, merchant: str, now: float) -> float:
        """Give the seconds until an order may ask again, 0 where nothing was refused."""
        refusal = self._refusals.get(merchant)
        return 0.0 if refusal is None else max(0.0, refusal.next_ask - now)

    def changed(self, credential_of: Callable[[str], object]) -> None:
        """Forget the refusals of credentials that are no longer the merchant's."""
        self._refusals = {
            merchant: refusal
            for merchant, refusal in self._refusals.items()
            if refusal.credential == credential_of(merchant)
        }

    def forget(self, now: float) -> None:
        """Drop the refusals that nobody has asked about for long: the merchant was removed, or has no orders."""
        self._refusals = {
            merchant: refusal for merchant, refusal in self._refusals.items() if now - refusal.next_ask <= MEMORY
        }

    def names(self) -> list[str]:
        """Give the merchants that refuse their credentials, those that did so first before the others."""
        return sorted(self._refusals, key=lambda merchant: self._refusals[merchant].since)

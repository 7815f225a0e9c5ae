"""What merchants refuse by themselves: orders for a while (429, Retry-After), or this pod's credentials (401, 403).

Times are monotonic seconds of the caller's clock. Each method that changes something acquires the lock once.
"""

from collections.abc import Callable, Mapping, Set

from merchantroute_worker.bulkhead.pauses import FIRST, LONGEST, Pauses
from merchantroute_worker.bulkhead.refused_credentials import RefusedCredentials
from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.bulkhead.views import PausedMerchant
from merchantroute_worker.runtime.threads import native_lock


class MerchantRefusals:
    """The refusals of a pod's merchants."""

    def __init__(self) -> None:
        self._pauses = Pauses()
        self._credentials = RefusedCredentials()
        self._fleet: Mapping[str, float] = {}
        self._rated: Set[str] = frozenset()
        self._lock = native_lock()

    def __bool__(self) -> bool:
        return bool(self._credentials or self._pauses or self._fleet)

    def verdict(
        self, merchant: str, now: float, *, credentials: bool = True, own_queue: bool = False
    ) -> Verdict | None:
        """Give the verdict on one more order of this merchant, None where the merchant refuses nothing. Without
        `credentials`, a refusal of those does not count. What is in an `own_queue` with a rate is within that, so that
        the rate that was found here does not count.
        """
        if not self:
            return None
        with self._lock:
            if credentials and self._credentials.left(merchant, now) > 0:
                return Verdict.CREDENTIALS
            if self._pauses.is_paused(merchant, now):
                self._pauses.admits(merchant, now)
                return Verdict.PAUSED
            if self._fleet.get(merchant, now) > now:
                return Verdict.PAUSED
            by_fleet = own_queue and merchant in self._rated
            return None if by_fleet or self._pauses.admits(merchant, now) else Verdict.RATE_LIMIT

    def asks_again(self, merchant: str, now: float) -> None:
        """Note that an order begins, which asks a merchant that refuses its credentials again; the next one waits."""
        if self._credentials:
            with self._lock:
                self._credentials.asks_again(merchant, now)

    def asked_to_wait(self, merchant: str, now: float, *, began: float, seconds: float | None) -> None:
        """Pause a merchant that asked for it in answer to a call that began then: for so many seconds, or by itself."""
        with self._lock:
            # A pause for which no time is told gets longer until the rate is right; of these it is found for all pods.
            seconds = FIRST if not seconds and merchant in self._rated else seconds
            self._pauses.asked(merchant, began=began, now=now, seconds=seconds)

    def refused_credentials(self, merchant: str, now: float, *, credential: object, step: str, began: float) -> None:
        """Note that the merchant refused the credential in a call that began then."""
        with self._lock:
            self._credentials.refused(merchant, credential, step=step, began=began, now=now)

    def accepted(self, merchant: str, step: str | None = None) -> None:
        """Note that the merchant took a step, or all that an order had left: it accepts the credentials."""
        if self._credentials:
            with self._lock:
                self._credentials.accepted(merchant, step)

    def credentials_changed(self, credential_of: Callable[[str], object]) -> None:
        """Let merchants whose credential is another one now have orders again."""
        with self._lock:
            self._credentials.changed(credential_of)

    def take_fleet(self, pauses: Mapping[str, float], rated: Set[str], now: float) -> None:
        """Take what holds for all pods: the seconds that are left of pauses, by merchant, and who has a rate."""
        with self._lock:
            self._rated = rated
            self._fleet = {merchant: now + min(left, LONGEST) for merchant, left in pauses.items() if left > 0}

    def wait(self, merchant: str, now: float, *, own_queue: bool = False) -> float:
        """Give the seconds that a merchant's orders wait at least, those of its `own_queue` or the others."""
        with self._lock:
            by_fleet = own_queue and merchant in self._rated
            left = self._pauses.paused_for(merchant, now) if by_fleet else self._pauses.left(merchant, now)
            return max(left, self._fleet.get(merchant, now) - now, self._credentials.left(merchant, now))

    def paused_for(self, merchant: str, now: float) -> float:
        """Give the seconds that are left of the pause for which the merchant asked this pod."""
        return self._pauses.paused_for(merchant, now)

    def paused_in_fleet(self, merchant: str, now: float) -> float:
        """Give the seconds that are left of the merchant's pause, here or for all pods."""
        return max(self._pauses.paused_for(merchant, now), self._fleet.get(merchant, now) - now)

    def refuses_credentials(self, merchant: str) -> bool:
        """Whether the merchant refuses its credentials."""
        return merchant in self._credentials

    def paused(self, now: float) -> list[PausedMerchant]:
        """Give the merchants that asked for time, with what is left of it, while orders wait for that."""
        with self._lock:
            return [PausedMerchant(merchant=name, seconds=left) for name, left in self._pauses.holding_back(now)]

    def refusing_credentials(self) -> list[str]:
        """Give the merchants that refuse their credentials, the first of them first."""
        with self._lock:
            return self._credentials.names()

    def forget(self, now: float) -> None:
        """Drop pauses and rates that are over, and refusals of merchants that have had no orders for long."""
        with self._lock:
            self._pauses.forget(now)
            self._credentials.forget(now)

"""What merchants refuse by themselves: orders for a while (429, Retry-After), or this pod's credentials (401, 403).

Times are monotonic seconds of the caller's clock. Each method that changes something acquires the lock once.
"""

from collections.abc import Callable

from merchantroute_worker.bulkhead.pauses import Pauses
from merchantroute_worker.bulkhead.refused_credentials import RefusedCredentials
from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.bulkhead.views import PausedMerchant
from merchantroute_worker.runtime.threads import native_lock


class MerchantRefusals:
    """The refusals of a pod's merchants."""

    def __init__(self) -> None:
        self._pauses = Pauses()
        self._credentials = RefusedCredentials()
        self._lock = native_lock()

    def verdict(self, merchant: str, now: float, *, credentials: bool = True) -> Verdict | None:
        """Give the verdict on one more order of this merchant, None where the merchant refuses nothing. Without
        `credentials`, a refusal of those does not count.
        """
        if not self._credentials and not self._pauses:
            return None
        with self._lock:
            if credentials and self._credentials.left(merchant, now) > 0:
                return Verdict.CREDENTIALS
            if self._pauses.admits(merchant, now):
                return None
            return Verdict.PAUSED if self._pauses.is_paused(merchant, now) else Verdict.RATE_LIMIT

    def asks_again(self, merchant: str, now: float) -> None:
        """Note that an order begins, which asks a merchant that refuses its credentials again; the next one waits."""
        if self._credentials:
            with self._lock:
                self._credentials.asks_again(merchant, now)

    def asked_to_wait(self, merchant: str, now: float, *, began: float, seconds: float | None) -> None:
        """Pause a merchant that asked for it in answer to a call that began then: for so many seconds, or by itself."""
        with self._lock:
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

    def wait(self, merchant: str, now: float) -> float:
        """Give the seconds that a merchant's orders wait at least."""
        with self._lock:
            return max(self._pauses.left(merchant, now), self._credentials.left(merchant, now))

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

"""What a merchant's answer means for the order: done, again later, or never. A table, and pure.

Classes are those of mr-answer-class in `schema/envelope.json`.
"""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

RETRYABLE_STATUS = frozenset({408, 425, 429})
LONGEST_WAIT = 1e9
FAILURES = frozenset({"timeout", "refused", "reset", "tls", "dns"})
UNREACHABLE = frozenset({"refused", "tls", "dns"})
"""Failures that are the merchant's as a whole, and no call's own."""


class Meaning(Enum):
    """What to do after a call."""

    SUCCESS = "success"
    AGAIN = "again"
    FINAL = "final"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one call ended: a status with the seconds the merchant asked us to wait, or a failure of FAILURES."""

    status: int | None = None
    failure: str | None = None
    retry_after: float | None = None

    @property
    def meaning(self) -> Meaning:
        """Success is 2xx. Worth another try: overload, server errors, and everything that is no answer at all."""
        if self.status is None:
            return Meaning.AGAIN
        if 200 <= self.status < 300:
            return Meaning.SUCCESS
        if self.status in RETRYABLE_STATUS or 500 <= self.status < 600:
            return Meaning.AGAIN
        return Meaning.FINAL

    @property
    def label(self) -> str:
        """The answer's class, for headers, logs and metrics."""
        if self.status is None:
            return self.failure or "none"
        if self.status == 429:
            return "429"
        return f"{self.status // 100}xx" if 100 <= self.status < 600 else "none"


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number or an HTTP date); None when it says nothing sensible."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None

"""What a merchant's answer means for its order: done, retry, or dead. Pure, a table.

Answer classes are those of mr-answer-class in `schema/envelope.json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import NamedTuple

MAX_RETRY_AFTER = 1e9
RATE_LIMITED = 429
FAILURES = frozenset({"timeout", "refused", "reset", "tls", "dns"})
FORBIDDEN = "forbidden"
"""The failure of a call that was not made: the route allows none of the addresses that the endpoint's host leads to. A
table has no row of it, since no answer of a merchant's changes what is allowed.
"""
UNREACHABLE = frozenset({"refused", "tls", "dns"})
"""Failures of the merchant as a whole, not of one call."""
MAX_CAUSE = 200
NEVER_SENT = frozenset({"refused", "dns", FORBIDDEN})
FAULTS = frozenset({"unsuccessful", "uncaptured"})
"""Why an answer with a good status is no success: it breaks a rule of its step's `success`, or lacks what the step
captures."""


SERVER_UNAVAILABLE = frozenset({502, 503, 504, *range(520, 531)})
"""Statuses by which gateways, and CDNs (52x, 530), say that the merchant's server does not answer, whatever the order.
Any other 5xx may come of the order."""


class Meaning(Enum):
    """The action after a call, in the words of `spec.orders.retry.answers`; DENIED is no word of a route's."""

    SUCCESS = "Done"
    AGAIN = "Retry"
    FINAL = "Dead"
    DENIED = "Denied"
    """The merchant refuses the credentials: the order waits until they change."""


class Answer(NamedTuple):
    """The result of one call: a status with the merchant's Retry-After in seconds, or a failure (of FAILURES, or
    FORBIDDEN) with its cause, a text for people of at most MAX_CAUSE characters. A status with a `fault` of FAULTS is
    no success either, and has a cause too.
    """

    status: int | None = None
    failure: str | None = None
    retry_after: float | None = None
    cause: str | None = None
    fault: str | None = None

    @property
    def label(self) -> str:
        """The answer's class, for headers, logs and metrics."""
        if self.fault is not None:
            return self.fault
        return self.failure or "none" if self.status is None else _LABELS.get(self.status, "none")

    @property
    def text(self) -> str:
        """The answer in words, for logs, spans and dead letters: the status, or the cause of the failure."""
        if self.fault is not None:
            return f"HTTP {self.status}: {self.cause}"[:MAX_CAUSE]
        return f"HTTP {self.status}" if self.status is not None else self.cause or self.label

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx and the answer has no fault, regardless of the route's table."""
        return self.status is not None and 200 <= self.status < 300 and self.fault is None

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 5xx."""
        return self.status is not None and 500 <= self.status < 600

    @property
    def server_is_unavailable(self) -> bool:
        """Whether the status says that the merchant's server does not answer, whatever the order."""
        return self.status in SERVER_UNAVAILABLE

    @property
    def asks_to_wait(self) -> bool:
        """Whether the merchant wants no orders for a while: 429, or a 5xx with Retry-After."""
        return self.status == RATE_LIMITED or (self.is_server_error and self.retry_after is not None)

    @property
    def is_merchants_failure(self) -> bool:
        """Whether the merchant bears no more orders at the moment: no answer in time, a 5xx, or 429."""
        if self.status is None:
            return self.failure not in {None, FORBIDDEN}
        return self.is_server_error or self.status == RATE_LIMITED

    @property
    def leaves_doubt(self) -> bool:
        """Whether the merchant may have executed the request: there was no complete response, or a 5xx."""
        return self.failure not in NEVER_SENT if self.status is None else self.is_server_error

    @property
    def confirms(self) -> bool | None:
        """The answer to a verify call: True for 2xx, False for 404 and 410, None for anything else."""
        if self.status is None or self.fault is not None:
            return None
        return True if self.succeeded else False if self.status in {404, 410} else None


_LABELS = {status: f"{status // 100}xx" for status in range(100, 600)} | {429: "429"}

_DEFAULT: Mapping[str, Meaning] = {
    "2xx": Meaning.SUCCESS,
    **dict.fromkeys(("408", "425", "429", "5xx"), Meaning.AGAIN),
    **dict.fromkeys(("401", "403"), Meaning.DENIED),
    **dict.fromkeys(FAILURES | FAULTS, Meaning.AGAIN),
    FORBIDDEN: Meaning.FINAL,
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Maps answers to meanings. Rows are keyed by a status ("409"), a class ("4xx") or a failure; the most specific row
    wins, and an answer without a row is final.
    """

    rows: Mapping[str, Meaning] = field(default_factory=lambda: _DEFAULT)
    _known: dict[int, Meaning] = field(default_factory=dict, init=False, repr=False, compare=False)

    def meaning(self, answer: Answer) -> Meaning:
        """The action after this answer."""
        status = answer.status
        if status is None:
            return self.rows.get(answer.failure or "", Meaning.AGAIN)
        if answer.fault is not None:
            return self.rows.get(answer.fault, Meaning.AGAIN)
        known = self._known.get(status)
        if known is None:
            known = self.rows.get(str(status)) or self.rows.get(f"{status // 100}xx") or Meaning.FINAL
            self._known[status] = known
        return known


def table(changes: Mapping[str, str], base: Mapping[str, Meaning] = _DEFAULT) -> Table:
    """The default table with a route's own rows on top, or the route's with a step's. ValueError for a row that cannot
    apply.
    """
    for name, then in changes.items():
        if name not in FAILURES | FAULTS and not _is_status(name):
            raise ValueError(f"the table of answers has a row {name!r}: no status, no class and no failure")
        if name[0] == "2" or (name in FAILURES | FAULTS and then == Meaning.SUCCESS.value):
            raise ValueError(f"answer {name} cannot mean {then}: a 2xx is Done, and what is no answer never")
        if then == Meaning.DENIED.value:
            raise ValueError(f"answer {name} cannot mean {then}: a row says Done, Retry or Dead")
    return Table(rows={**base, **{name: Meaning(then) for name, then in changes.items()}})


def as_cause(text: str) -> str:
    """A cause as headers and logs take it: at most MAX_CAUSE printable characters."""
    return "".join(one if one.isprintable() else "?" for one in text)[:MAX_CAUSE]


def _is_status(name: str) -> bool:
    return len(name) == 3 and name[0] in "12345" and (name[1:] == "xx" or (name.isascii() and name.isdigit()))


def retry_after(value: str | None, *, now: float) -> float | None:
    """The seconds of a Retry-After header (a number or an HTTP date); None if it is missing or invalid."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
        # HTTP dates are in GMT, also the obsolete ones that name no zone (RFC 9110, section 5.6.7).
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None

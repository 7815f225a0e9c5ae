"""What a merchant's answer means for the order: done, again later, or never. A table, and pure.

Classes are those of mr-answer-class in `schema/envelope.json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import NamedTuple

LONGEST_WAIT = 1e9
FAILURES = frozenset({"timeout", "refused", "reset", "tls", "dns"})
UNREACHABLE = frozenset({"refused", "tls", "dns"})
"""Failures that are the merchant's as a whole, and no call's own."""
NEVER_SENT = frozenset({"refused", "dns"})


class Meaning(Enum):
    """What to do after a call; the words are those of `spec.orders.retry.answers`."""

    SUCCESS = "Done"
    AGAIN = "Retry"
    FINAL = "Dead"


class Answer(NamedTuple):
    """How one call ended: a status with the seconds the merchant asked us to wait, or a failure of FAILURES."""

    status: int | None = None
    failure: str | None = None
    retry_after: float | None = None

    @property
    def label(self) -> str:
        """The answer's class, for headers, logs and metrics."""
        return self.failure or "none" if self.status is None else _LABELS.get(self.status, "none")

    @property
    def succeeded(self) -> bool:
        """Whether it is a 2xx, whatever the route makes of other answers."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def leaves_doubt(self) -> bool:
        """Whether the merchant may have done what was asked: no whole answer came, or one that tells of an accident."""
        return self.failure not in NEVER_SENT if self.status is None else 500 <= self.status < 600

    @property
    def confirms(self) -> bool | None:
        """As an answer to "did you?": yes, no (404, 410), or None when it does not say."""
        if self.status is None:
            return None
        return True if self.succeeded else False if self.status in {404, 410} else None


_LABELS = {status: f"{status // 100}xx" for status in range(100, 600)} | {429: "429"}

_DEFAULT: Mapping[str, Meaning] = {
    "2xx": Meaning.SUCCESS,
    **dict.fromkeys(("408", "425", "429", "5xx"), Meaning.AGAIN),
    **dict.fromkeys(FAILURES, Meaning.AGAIN),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """What each answer means. Rows are named by a status ("409"), a class ("4xx") or a failure; the most specific row
    counts, and what has none is final.
    """

    rows: Mapping[str, Meaning] = field(default_factory=lambda: _DEFAULT)
    _known: dict[int, Meaning] = field(default_factory=dict, init=False, repr=False, compare=False)

    def meaning(self, answer: Answer) -> Meaning:
        """What to do after a call that ended so."""
        status = answer.status
        if status is None:
            return self.rows.get(answer.failure or "", Meaning.AGAIN)
        known = self._known.get(status)
        if known is None:
            known = self.rows.get(str(status)) or self.rows.get(f"{status // 100}xx") or Meaning.FINAL
            self._known[status] = known
        return known


def table(changes: Mapping[str, str]) -> Table:
    """The default table with a route's own rows laid over it. ValueError for a row that nothing can mean."""
    for name, then in changes.items():
        if name not in FAILURES and not _is_status(name):
            raise ValueError(f"the table of answers has a row {name!r}: no status, no class and no failure")
        if name[0] == "2" or (name in FAILURES and then == Meaning.SUCCESS.value):
            raise ValueError(f"answer {name} cannot mean {then}: a 2xx is Done, and what is no answer never")
    return Table(rows={**_DEFAULT, **{name: Meaning(then) for name, then in changes.items()}})


def _is_status(name: str) -> bool:
    return len(name) == 3 and name[0] in "12345" and (name[1:] == "xx" or (name.isascii() and name.isdigit()))


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

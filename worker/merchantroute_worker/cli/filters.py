"""Filters that choose dead letters: by order, merchant, reason and time. Pure."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from merchantroute_worker.cli.dead_letter import BY_THE_BROKER, DELIVERY_LIMIT, UNKNOWN, DeadLetter

ENVELOPE = Path(__file__).resolve().parents[1] / "schema" / "envelope.json"
REPLAYED_UNASKED = frozenset(
    {
        "attempts-exhausted",
        "max-age",
        "merchant-rejected",
        "forbidden-address",
        "unknown-merchant",
        "unknown-task",
        "task-failed",
    }
)
"""Reasons of letters that may succeed once merchant, credentials or route are corrected. Letters of other reasons
cannot (`malformed`, `undecodable`, `too-large`, `refused-by-broker`), are of no use any more (`expired`), or killed
their pods (`killed-its-pod`, `delivery-limit`): those are replayed only by order id or --reason.
"""


@cache
def reasons() -> tuple[str, ...]:
    """Every reason that a worker or a delivery limit gives, in the schema's order."""
    schema = json.loads(ENVELOPE.read_text("utf-8"))
    return (*schema["$defs"]["reason"]["enum"], DELIVERY_LIMIT)


def known_reason(text: str) -> str:
    """Check a reason's name, and give it. ValueError lists the known ones."""
    if text in {*reasons(), UNKNOWN} or text.startswith(BY_THE_BROKER):
        return text
    raise ValueError(f"{text!r} is no reason of a dead letter: one of {', '.join(reasons())}")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The filters of a command; an empty one matches all. `since` and `until` are epoch seconds of the publish."""

    ids: Collection[str] = ()
    merchants: Collection[str] = ()
    reasons: Collection[str] = ()
    since: float | None = None
    until: float | None = None

    @property
    def given(self) -> bool:
        """Whether there is any filter."""
        return bool(self.ids or self.merchants or self.reasons) or self.timed

    @property
    def timed(self) -> bool:
        """Whether there is a filter by time, which no letter without a time matches."""
        return self.since is not None or self.until is not None

    def match(self, letter: DeadLetter) -> bool:
        """Whether a letter passes the filters."""
        if self.ids:
            return letter.id in self.ids
        if self.merchants and letter.merchant not in self.merchants:
            return False
        if self.reasons and letter.reason not in self.reasons:
            return False
        return self._in_time(letter.published_at)

    def replays(self, letter: DeadLetter) -> bool:
        """Whether a letter that matches is replayed: named by id or reason, or of a reason in REPLAYED_UNASKED."""
        return bool(self.ids or self.reasons) or letter.reason in REPLAYED_UNASKED

    def _in_time(self, published_at: float | None) -> bool:
        if not self.timed:
            return True
        if published_at is None:
            return False
        return (self.since is None or published_at >= self.since) and (self.until is None or published_at < self.until)

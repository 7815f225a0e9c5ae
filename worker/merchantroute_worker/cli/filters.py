"""Which letters a command is about. Pure."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from merchantroute_worker.cli.dead_letter import BY_THE_BROKER, DELIVERY_LIMIT, UNKNOWN, Letter

ENVELOPE = Path(__file__).resolve().parents[1] / "schema" / "envelope.json"
REPLAYED_UNASKED = frozenset(
    {"attempts-exhausted", "max-age", "merchant-rejected", "unknown-merchant", "unknown-task", "task-failed"}
)
"""What may succeed once merchant, credentials or route are mended. The rest cannot (`malformed`, `undecodable`), is not
wanted any more (`expired`), or has killed its pods (`killed-its-pod`, `delivery-limit`): it is replayed when somebody
asks for it.
"""


@cache
def reasons() -> tuple[str, ...]:
    """Every reason that a letter of ours can have, in the schema's order."""
    schema = json.loads(ENVELOPE.read_text("utf-8"))
    return (*schema["$defs"]["reason"]["enum"], DELIVERY_LIMIT)


def known_reason(text: str) -> str:
    """The reason, if there is one by that name. ValueError lists those there are."""
    if text in {*reasons(), UNKNOWN} or text.startswith(BY_THE_BROKER):
        return text
    raise ValueError(f"{text!r} is no reason of a dead letter: one of {', '.join(reasons())}")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a person asked for; empty means any. `since` and `until` (epoch seconds) bound when it was published."""

    ids: Collection[str] = ()
    merchants: Collection[str] = ()
    reasons: Collection[str] = ()
    since: float | None = None
    until: float | None = None

    @property
    def given(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.ids or self.merchants or self.reasons) or self.timed

    @property
    def timed(self) -> bool:
        """Whether a time was asked for, which leaves out letters that carry none."""
        return self.since is not None or self.until is not None

    def match(self, letter: Letter) -> bool:
        """Whether this letter was asked for."""
        if self.ids:
            return letter.id in self.ids
        if self.merchants and letter.merchant not in self.merchants:
            return False
        if self.reasons and letter.reason not in self.reasons:
            return False
        return self._in_time(letter.published_at)

    def replays(self, letter: Letter) -> bool:
        """Whether a letter that matches is replayed: by its id or reason, or without being asked for."""
        return bool(self.ids or self.reasons) or letter.reason in REPLAYED_UNASKED

    def _in_time(self, published_at: float | None) -> bool:
        if not self.timed:
            return True
        if published_at is None:
            return False
        return (self.since is None or published_at >= self.since) and (self.until is None or published_at < self.until)

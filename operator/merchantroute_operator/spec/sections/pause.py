"""Parses whether a route is paused: by its spec for good, or by an annotation until a time.

``spec.paused`` is the route's own word and goes through GitOps. The annotation is for the moment: it ends by itself, so
that nobody has to think of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from merchantroute_operator.naming import ANNOTATION_PAUSED_UNTIL
from merchantroute_operator.spec.route import Raw


@dataclass(frozen=True, slots=True)
class Pause:
    """What was asked for; ``until`` is epoch seconds, ``problem`` says why the annotation counts for nothing."""

    spec: bool = False
    until: float | None = None
    problem: str = ""

    def holds(self, now: float) -> bool:
        """Whether the route is paused at ``now`` (epoch seconds)."""
        return self.spec or (self.until is not None and now < self.until)

    def ends_in(self, now: float) -> float | None:
        """Seconds until it ends by itself; None where it does not."""
        return None if self.spec or self.until is None else max(0.0, self.until - now)


NO_PAUSE = Pause()


def parse_pause(raw: Raw) -> Pause:
    """The pause of a ``MerchantRoute``. It is read apart, so that a spec that is invalid is paused, too."""
    asked = bool(raw["spec"].get("paused", False))
    text = (raw["metadata"].get("annotations") or {}).get(ANNOTATION_PAUSED_UNTIL)
    if text is None:
        return Pause(asked)
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        return Pause(asked, problem=_problem(text, "is no time"))
    if until.tzinfo is None:
        return Pause(asked, problem=_problem(text, "has no time zone"))
    return Pause(asked, until.timestamp())


def as_time(epoch: float) -> str:
    """Epoch seconds as RFC 3339."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _problem(text: str, what: str) -> str:
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    return f"annotation {ANNOTATION_PAUSED_UNTIL}: '{shown}' {what}; write one like 2027-01-31T18:00:00Z"

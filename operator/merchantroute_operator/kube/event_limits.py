"""Rate limit of events, and when similar events become one. Pure: the caller passes the time.

An event's message holds figures, so that each scaling is a new text; a fight with another controller would write one
event a second. Of one route and reason ten go out at once and then one every ten seconds; what comes between is
counted and added to the next. After ten texts within ten minutes the next one replaces the last event's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BURST = 10  # writes at once
EVERY = 10.0  # seconds until one more is allowed
ALIKE = 10  # texts within a window, each an event of its own
WINDOW = 600.0  # seconds


@dataclass(slots=True)
class Limit:
    """Of one route, kind and reason."""

    allowed: float = BURST
    at: float = 0.0  # when ``allowed`` was last counted
    opened: float = 0.0  # when the window began
    texts: int = 0  # posted within the window
    held: int = 0  # not written, and not added to another yet
    last: str = ""  # name of the last event that was posted

    def admits(self, now: float) -> bool:
        """Whether one may be written at ``now`` (monotonic seconds); if not, it is held."""
        self.allowed = min(BURST, self.allowed + (now - self.at) / EVERY)
        self.at = now
        if self.allowed < 1:
            self.held += 1
            return False
        self.allowed -= 1
        return True

    def way(self, now: float) -> Literal["post", "replace"]:
        """What becomes of a new text."""
        if now - self.opened >= WINDOW:
            self.opened, self.texts = now, 0
        return "replace" if self.texts >= ALIKE and self.last else "post"

    def posted(self, name: str) -> None:
        """A new text went out as the event ``name``."""
        self.texts += 1
        self.last = name

    def take_held(self) -> int:
        """How many the next write counts beside its own."""
        held, self.held = self.held, 0
        return held

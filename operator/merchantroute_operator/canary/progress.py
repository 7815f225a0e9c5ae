"""Values of the canary's state machine. Times are seconds; ``since`` and ``now`` are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

Verb: TypeAlias = Literal["abort", "promote"]


class Phase(StrEnum):
    """Where a canary is; the CRD describes each to users."""

    STARTING = "Starting"
    FIXED = "Fixed"
    WALKING = "Walking"
    COMPLETED = "Completed"
    PROMOTED = "Promoted"
    ABORTED = "Aborted"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a lane's pods did: attempts that ended, those of them that failed (tried again, or dead), slot-seconds."""

    finished: int = 0
    failed: int = 0
    busy_seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """What both did."""
        return Tally(self.finished + other.finished, self.failed + other.failed, self.busy_seconds + other.busy_seconds)

    def __sub__(self, earlier: Tally) -> Tally:
        """What was done since ``earlier``."""
        return Tally(
            self.finished - earlier.finished, self.failed - earlier.failed, self.busy_seconds - earlier.busy_seconds
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One tier's canary; ``plan`` is the digest of the spec that it speaks of, ``step`` an index of a walk's steps."""

    tier: str
    phase: Phase
    weight: int
    plan: str
    since: float
    step: int | None = None
    message: str = ""
    stable: Tally | None = None  # what the stable lane had done in this walk before the step


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known at ``now``; the canary's tally is of this step, the stable lane's of the whole walk."""

    now: float
    in_step: float  # seconds for which this process has seen the canary on its step, by a clock that does not step
    ready: bool  # the canary has a ready pod, or may have none because nothing is to be done
    unready_for: float  # seconds for which it should have had one and had none
    failing_for: float = 0.0  # seconds of these by its own doing; see ``pods``
    stable: Tally = field(default_factory=Tally)
    canary: Tally = field(default_factory=Tally)
    canary_busy: int = 0  # slots that hold an order now

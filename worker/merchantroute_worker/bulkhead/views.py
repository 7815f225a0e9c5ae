"""Read-only views of the bulkhead, for pulses, `/merchants` and Prometheus. Ages and times are seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True)
class SlowMerchant:
    """A slow merchant; `oldest` is the age of its oldest call."""

    merchant: str
    in_flight: int
    oldest: float


class PausedMerchant(NamedTuple):
    """A merchant that asked for time, of which so many seconds are left: 0 where its orders begin again, at a limited
    rate.
    """

    merchant: str
    seconds: float


class Failure(NamedTuple):
    """A call that was no success: its step, its answer in words, and when it ended."""

    step: str
    text: str
    at: float


class MerchantFigures(NamedTuple):
    """What the operator decides from: the orders of one merchant in this pod. The counts are for as long as the pod
    keeps its state: orders that got no slot, and attempts that succeeded or that the merchant failed; `limited` of
    these it answered with 429. It asked for time of which `paused_for` seconds are left.
    """

    merchant: str
    in_flight: int = 0
    slow: bool = False
    refused: int = 0
    succeeded: int = 0
    failed: int = 0
    limited: int = 0
    paused_for: float = 0.0


class Activity(NamedTuple):
    """A merchant that had calls lately: whether it is slow, and whether one of its calls has succeeded just now."""

    slow: bool
    well: bool


class PodFigures(NamedTuple):
    """The merchants of one pod: those that were `active` lately, the slots that one more could have, and the figures of
    some of them.
    """

    active: Mapping[str, Activity]
    fair_share: int
    merchants: tuple[MerchantFigures, ...]


@dataclass(frozen=True, kw_only=True)
class MerchantView:
    """A merchant's complete state. `cap` has an effect only while slots are scarce; `successes` and `timeouts` count
    calls for as long as this pod keeps the merchant's state. `server_errors_in_a_row` are the most of one
    step; `paused_for` is how long its orders wait, since it asked for that. `last_failure` is the latest call that was
    no success; its `at` is its age here. `refused` counts orders that got no slot.
    """

    merchant: str
    in_flight: int
    cap: int
    oldest: float
    usual: float | None
    successes: int
    timeouts: int
    failures_in_a_row: int
    slow: bool
    server_errors_in_a_row: int = 0
    paused_for: float = 0.0
    credentials_refused: bool = False
    refused: int = 0
    last_failure: Failure | None = None

    def as_json(self) -> dict[str, object]:
        """Give the merchant's entry in `/merchants`."""
        failed = self.last_failure
        return {
            "merchant": self.merchant,
            "inFlight": self.in_flight,
            "cap": self.cap,
            "oldest": round(self.oldest, 3),
            "usual": None if self.usual is None else round(self.usual, 4),
            "successes": self.successes,
            "timeouts": self.timeouts,
            "failuresInARow": self.failures_in_a_row,
            "serverErrorsInARow": self.server_errors_in_a_row,
            "slow": self.slow,
            "pausedFor": round(self.paused_for, 3),
            "credentialsRefused": self.credentials_refused,
            "refused": self.refused,
            "lastFailure": failed
            and {"step": failed.step, "answerText": failed.text, "secondsAgo": round(failed.at, 3)},
        }


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Numbers of merchants: slow ones, those with as many slots as their cap, all whose state is kept, those that asked
    for time, and those that refuse their credentials.
    """

    slow: int
    at_cap: int
    known: int
    paused: int = 0
    credentials_refused: int = 0

"""What the bulkhead shows of itself, to pulses, to people and to Prometheus. Ages and times are seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SlowMerchant:
    """A slow merchant; `oldest` is the age of its oldest call."""

    merchant: str
    in_flight: int
    oldest: float


@dataclass(frozen=True, kw_only=True)
class MerchantView:
    """A merchant in full. `cap` is felt only while slots are scarce; `successes` and `timeouts` are calls, counted for
    as long as this pod remembers the merchant.
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

    def as_json(self) -> dict[str, object]:
        """The entry of `/merchants`."""
        return {
            "merchant": self.merchant,
            "inFlight": self.in_flight,
            "cap": self.cap,
            "oldest": round(self.oldest, 3),
            "usual": None if self.usual is None else round(self.usual, 4),
            "successes": self.successes,
            "timeouts": self.timeouts,
            "failuresInARow": self.failures_in_a_row,
            "slow": self.slow,
        }


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Merchants counted: slow ones, those that hold as many slots as their cap, and all that are remembered."""

    slow: int
    at_cap: int
    known: int

"""Makes the views of a merchant from the bulkhead's state. Called with its lock."""

from collections.abc import Callable, Collection, Iterable
from itertools import chain, islice

from merchantroute_worker.bulkhead.known_merchants import KnownMerchants, Merchant
from merchantroute_worker.bulkhead.merchant_refusals import MerchantRefusals
from merchantroute_worker.bulkhead.views import Activity, MerchantFigures, MerchantView

RECENTLY = 60.0
"""Seconds for which a merchant counts as active, and what happened to it as recent."""
JUST_NOW = 5.0
"""Seconds for which a success says that a merchant is well."""
IsSlow = Callable[[Merchant, float], bool]
_ACTIVITY = {(slow, well): Activity(slow, well) for slow in (False, True) for well in (False, True)}


class RecentMerchants:
    """The merchants of which orders got no slot, or were answered 429, lately: bounded by those whose state is kept,
    since only these can.
    """

    def __init__(self) -> None:
        self._latest: dict[str, float] = {}

    def refused(self, name: str, merchant: Merchant | None, now: float) -> None:
        """Count an order of the merchant that got no slot, if its state is kept."""
        if merchant is not None:
            merchant.refused += 1
            self._latest[name] = now

    def limited(self, name: str, merchant: Merchant, now: float) -> None:
        """Count an attempt that the merchant answered with 429."""
        merchant.limited_attempts += 1
        self._latest[name] = now

    def names(self, now: float) -> Iterable[str]:
        """Give the merchants, and forget those to which neither has happened for long."""
        self._latest = {name: at for name, at in self._latest.items() if now - at <= RECENTLY}
        return self._latest


def active(known: KnownMerchants, is_slow: IsSlow, now: float) -> dict[str, Activity]:
    """Give the merchants that have calls, or had some within the last minute."""
    found: dict[str, Activity] = {}
    for name, state in known.active_since(now - RECENTLY):  # thousands of them, every two seconds
        took = state.took
        well = bool(took) and now - max(took.values()) <= JUST_NOW
        slow = bool(state.calls or state.is_failing) and is_slow(state, now)
        found[name] = _ACTIVITY[slow, well]
    return found


def figures(
    known: KnownMerchants,
    recent: Iterable[str],
    own: Collection[str],
    is_slow: IsSlow,
    refusals: MerchantRefusals,
    *,
    now: float,
    most: int,
) -> tuple[MerchantFigures, ...]:
    """Give up to `most` merchants that are slow, had orders refused `recent`ly or have an `own` queue here, in this
    order: slow ones, then those of which most orders were refused, or answered 429. Where they are more, half of the
    places are for own queues, as far as there are some: nobody else tells how their orders end.
    """
    slow = [name for name, state in known.active.items() if is_slow(state, now)]
    named = dict.fromkeys(chain(slow, islice(reversed(known.failing), most), recent, own))
    shown = [_figures(name, known.get(name), is_slow, refusals.paused_for(name, now), now) for name in named]
    shown.sort(key=lambda one: (not one.slow, -one.refused - one.limited))
    if len(shown) > most:
        without = [one for one in shown if one.merchant not in own]
        left_out = {one.merchant for one in without[max(most - len(own), most // 2) :]}
        shown = [one for one in shown if one.merchant not in left_out]
    return tuple(shown[:most])


def _figures(name: str, state: Merchant | None, is_slow: IsSlow, paused: float, now: float) -> MerchantFigures:
    if state is None:
        return MerchantFigures(merchant=name, paused_for=paused)
    return MerchantFigures(
        merchant=name,
        in_flight=len(state.calls),
        slow=is_slow(state, now),
        refused=state.refused,
        succeeded=state.attempts - state.failed_attempts,
        failed=state.failed_attempts,
        limited=state.limited_attempts,
        paused_for=paused,
    )


def view(
    name: str, state: Merchant, refusals: MerchantRefusals, *, ceiling: int, slow: bool, now: float
) -> MerchantView:
    """Give all of a merchant's state."""
    return MerchantView(
        merchant=name,
        in_flight=len(state.calls),
        cap=state.limit.within(ceiling),
        oldest=state.oldest(now),
        usual=state.usual_of_all(),
        successes=state.successes,
        timeouts=state.timeouts,
        failures_in_a_row=state.failures,
        slow=slow,
        server_errors_in_a_row=state.errors.longest,
        paused_for=refusals.wait(name, now),
        credentials_refused=refusals.refuses_credentials(name),
        refused=state.refused,
        last_failure=state.last_failure and state.last_failure._replace(at=now - state.last_failure.at),
    )

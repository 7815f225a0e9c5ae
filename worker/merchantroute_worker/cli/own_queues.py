"""The table of a route's own queues, from its status and from what is asked by hand. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from merchantroute_worker.cli.by_hand import ends
from merchantroute_worker.cli.durations import age
from merchantroute_worker.cli.terminal_text import printable

COLUMNS = ("MERCHANT", "TIER", "WHY", "STAGE", "SHARE", "RATE", "WAITING", "SINCE", "BY HAND")
NOTHING = "-"
_FIGURES = frozenset({"SHARE", "RATE", "WAITING", "SINCE"})


def own_queues(route: Mapping[str, Any], *, now: float) -> list[dict[str, Any]]:
    """Those of the status of a MerchantRoute, and the merchants that are asked for by hand and have none yet.

    Each is an entry of ``status.ownQueues`` with ``byHand`` and ``until`` where somebody asked; by merchant.
    """
    by_hand = ends((route.get("metadata") or {}).get("annotations") or {}, now)
    found = {str(each.get("merchant")): dict(each) for each in (route.get("status") or {}).get("ownQueues") or ()}
    for merchant, (word, until) in by_hand.items():
        found.setdefault(merchant, {"merchant": merchant}).update(byHand=word, until=until)
    return [found[merchant] for merchant in sorted(found)]


def table(queues: Iterable[Mapping[str, Any]], *, now: float) -> Table:
    """Make a table with one row an own queue. `now` is epoch seconds."""
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        rows.add_column(
            name, no_wrap=name != "MERCHANT", overflow="fold", justify="right" if name in _FIGURES else "left"
        )
    for each in queues:
        rate, hand = each.get("rate"), each.get("byHand")
        cells = (
            each["merchant"], each.get("tier"), each.get("why"), each.get("stage"), each.get("share"),
            None if rate is None else f"{rate:g}/s", each.get("waiting"), _ago(each.get("since"), now),
            f"{hand} until {each['until']}" if hand else None,
        )  # fmt: skip
        rows.add_row(*(Text(NOTHING if cell is None else printable(str(cell)).replace("\n", "\\n")) for cell in cells))
    return rows


def counted(queues: Iterable[Mapping[str, Any]]) -> str:
    """Format their number: `1 own queue`, `20 own queues`; those that are only asked for are not counted."""
    count = sum("stage" in each for each in queues)
    return f"{count:,} own queue{'' if count == 1 else 's'}"


def _ago(since: object, now: float) -> str | None:
    try:
        return f"{age(now - datetime.fromisoformat(since).timestamp())} ago" if isinstance(since, str) else None
    except (ValueError, OverflowError):
        return None

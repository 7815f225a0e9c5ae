"""The table of dead letters, and their counts by reason. Pure.

Memory does not grow with the queue: only the letters that are shown are kept.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.durations import age, iso
from merchantroute_worker.cli.terminal_text import printable

COLUMNS = ("ORDER", "MERCHANT", "REASON", "STEP", "ATTEMPTS", "ANSWER", "PUBLISHED")
NOTHING = "-"


class Newest:
    """Keeps the newest letters, at most `limit` (None: all), and counts all of them by reason.

    Sorted by time of publish and then by id, so that a list looks the same each time: to read a queue and requeue its
    messages may change their order.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._heap: list[tuple[float, str, int, dict[str, Any]]] = []
        self._number = 0
        self.reasons: Counter[str] = Counter()

    def add(self, letter: DeadLetter) -> None:
        """Count a letter, and keep it if it is among the newest."""
        self.reasons[letter.reason] += 1
        self._number += 1
        entry = (letter.published_at or 0.0, letter.id or "", self._number, summary(letter))
        if self._limit is None or len(self._heap) < self._limit:
            heapq.heappush(self._heap, entry)
        elif self._heap:
            heapq.heappushpop(self._heap, entry)

    def shown(self) -> list[dict[str, Any]]:
        """Give the summaries of the letters that were kept, the newest first."""
        return [entry[-1] for entry in sorted(self._heap, reverse=True)]


def summary(letter: DeadLetter) -> dict[str, Any]:
    """Summarise a letter as a flat JSON object; None for what its message does not have."""
    return {
        "order": letter.id,
        "merchant": letter.merchant,
        "reason": letter.reason,
        "step": letter.step,
        "attempts": letter.attempts,
        "answerClass": letter.answer,
        "publishedAt": None if letter.published_at is None else iso(letter.published_at),
        "publishedAtMs": None if letter.published_at is None else round(letter.published_at * 1000),
        "replays": letter.replays,
    }


def table(summaries: Iterable[Mapping[str, Any]], *, now: float) -> Table:
    """Make a table with one row a letter. `now` is epoch seconds."""
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        rows.add_column(name, no_wrap=name != "ORDER", overflow="fold", justify=_side(name))
    for each in summaries:
        at = each["publishedAtMs"]
        cells = (
            each["order"], each["merchant"], each["reason"], each["step"], each["attempts"], each["answerClass"],
            None if at is None else f"{age(now - at / 1000)} ago",
        )  # fmt: skip
        rows.add_row(*(_cell(value) for value in cells))
    return rows


def counted(reasons: Mapping[str, int]) -> str:
    """Format counts by reason, the most frequent first: `max-age 3, malformed 1`."""
    ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{printable(reason)} {count:,}" for reason, count in ordered)


def letters(count: int) -> str:
    """Format a number of letters: `1 letter`, `2,000 letters`."""
    return f"{count:,} letter{'' if count == 1 else 's'}"


def _cell(value: Any) -> Text:
    return Text(NOTHING if value is None or value == "" else printable(str(value)).replace("\n", "\\n"))


def _side(name: str) -> Any:
    return "right" if name in {"ATTEMPTS", "PUBLISHED"} else "left"

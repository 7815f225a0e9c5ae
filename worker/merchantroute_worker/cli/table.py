"""The list of dead letters: a table of those that are shown, and how many there are of each reason. Pure.

However many letters there are, only those that are shown are kept.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.durations import age, iso
from merchantroute_worker.cli.terminal_text import printable

COLUMNS = ("ORDER", "MERCHANT", "REASON", "STEP", "ATTEMPTS", "ANSWER", "PUBLISHED")
NOTHING = "-"


class Newest:
    """Keeps the newest letters, at most `limit` (None: all), and counts all by reason.

    By age, and by id where that is equal, so that a list looks the same each time: being looked at may change the
    order of a queue.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._heap: list[tuple[float, str, int, dict[str, Any]]] = []
        self._number = 0
        self.reasons: Counter[str] = Counter()

    def add(self, letter: Letter) -> None:
        """Take a letter into account."""
        self.reasons[letter.reason] += 1
        self._number += 1
        entry = (letter.published_at or 0.0, letter.id or "", self._number, summary(letter))
        if self._limit is None or len(self._heap) < self._limit:
            heapq.heappush(self._heap, entry)
        elif self._heap:
            heapq.heappushpop(self._heap, entry)

    def shown(self) -> list[dict[str, Any]]:
        """Summaries of the letters that were kept, the newest first."""
        return [entry[-1] for entry in sorted(self._heap, reverse=True)]


def summary(letter: Letter) -> dict[str, Any]:
    """A letter in one line of JSON; None for what it does not say."""
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
    """One row a letter. `now` is epoch seconds."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        drawn.add_column(name, no_wrap=name != "ORDER", overflow="fold", justify=_side(name))
    for each in summaries:
        at = each["publishedAtMs"]
        cells = (
            each["order"], each["merchant"], each["reason"], each["step"], each["attempts"], each["answerClass"],
            None if at is None else f"{age(now - at / 1000)} ago",
        )  # fmt: skip
        drawn.add_row(*(_cell(value) for value in cells))
    return drawn


def counted(reasons: Mapping[str, int]) -> str:
    """`max-age 3, malformed 1`: the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{printable(reason)} {count:,}" for reason, count in ordered)


def letters(count: int) -> str:
    """`1 letter`, `2,000 letters`."""
    return f"{count:,} letter{'' if count == 1 else 's'}"


def _cell(value: Any) -> Text:
    return Text(NOTHING if value is None or value == "" else printable(str(value)).replace("\n", "\\n"))


def _side(name: str) -> Any:
    return "right" if name in {"ATTEMPTS", "PUBLISHED"} else "left"

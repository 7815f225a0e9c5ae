"""The table of own queues: what the status says, and what was asked by hand."""

import io
from datetime import datetime
from typing import Any

from rich.console import Console

from merchantroute_worker.cli.own_queues import counted, own_queues, table

NOW = datetime.fromisoformat("2027-01-01T11:00:00Z").timestamp()
SLOW = {
    "merchant": "burger-barn", "tier": "standard", "why": "Slow", "stage": "Open", "since": "2027-01-01T10:48:00Z",
    "share": 4, "hold": 60, "waiting": 812,
}  # fmt: skip
LIMITED = {**SLOW, "merchant": "taco", "why": "Limited", "share": 30, "rate": 0.5, "burst": 3}
HAND = {"merchantroute.dev/held-until": '{"taco": "2027-01-01T12:00:00Z", "pho": "2027-01-01T12:00:00Z"}'}


def route(*queues: dict[str, Any], annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {"metadata": {"annotations": annotations}, "status": {"ownQueues": list(queues)}}


def drawn(found: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(table(own_queues(found, now=NOW), now=NOW))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_row_says_why_what_it_gets_what_waits_and_since_when() -> None:
    head, slow, limited = drawn(route(LIMITED, SLOW))

    assert head == "MERCHANT TIER WHY STAGE SHARE RATE WAITING SINCE BY HAND"
    assert slow == "burger-barn standard Slow Open 4 - 812 12m ago -"
    assert limited == "taco standard Limited Open 30 0.5/s 812 12m ago -"


def test_what_was_asked_by_hand_is_told_also_before_the_operator_has_done_it() -> None:
    _, pho, taco = drawn(route(LIMITED, annotations=HAND))

    assert pho == "pho - - - - - - - held until 2027-01-01T12:00:00Z"
    assert taco == "taco standard Limited Open 30 0.5/s 812 12m ago held until 2027-01-01T12:00:00Z"
    assert counted(own_queues(route(LIMITED, annotations=HAND), now=NOW)) == "1 own queue"


def test_a_route_without_a_status_or_annotations_has_none() -> None:
    assert own_queues({"metadata": {}}, now=NOW) == []
    assert counted([]) == "0 own queues"


def test_an_id_cannot_move_the_cursor_and_a_strange_time_is_left_out() -> None:
    hostile = {**SLOW, "merchant": "a\x1b[2J\nb", "since": "whenever"}
    _, row = drawn(route(hostile))
    assert row == r"a\x1b[2J\nb standard Slow Open 4 - 812 - -"

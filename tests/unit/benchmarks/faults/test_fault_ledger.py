"""What a fault cost: orders in rows, what was heard of them, and what the row must say."""

from typing import Any

import pytest

from benchmarks.faults.reporting.fault_ledger import failures, reckoned
from merchantroute_kit.accounting.ledger import Completion, StepRecord

STEPS = ("submit",)
ONCE, AGAIN, TWICE = StepRecord(1, 1), StepRecord(2, 1, 1), StepRecord(2, 2, 1)
FIRST = Completion("r-1", "pod-a", 1, 0.1)
BACK = Completion("r-1", "pod-b", 2, 0.2, redelivered=True)
UNASKED = Completion("r-1", "pod-b", 2, 0.2)
APART = Completion("r-1", "pod-b", 2, 0.2, tier="suspect")
APART_AGAIN = Completion("r-1", "pod-c", 3, 0.3, tier="suspect")
LADDER = Completion("r-1", "pod-b", 2, 0.2, attempts=2)


@pytest.mark.parametrize(
    ("said", "step", "more", "doubled", "redelivered"),
    [
        ([FIRST], ONCE, {}, 0, 0),
        # a pod died between the record and the ack: the other finds the step done
        ([FIRST, BACK], AGAIN, {}, 0, 1),
        # the same where nothing dies: nobody may hand it out twice
        ([FIRST, BACK], AGAIN, {"comes_back": False}, 1, 1),
        # two messages of one order, and nobody knows why
        ([FIRST, UNASKED], AGAIN, {}, 1, 1),
        # its pod died after the rung had it
        ([FIRST, LADDER], AGAIN, {}, 0, 1),
        # its pod died after the suspect lane had it
        ([APART, APART_AGAIN], AGAIN, {}, 0, 1),
        ([APART, APART_AGAIN], AGAIN, {"comes_back": False}, 1, 1),
        # the producer got no confirm
        ([FIRST, UNASKED], AGAIN, {"published_again": {"r-1"}, "comes_back": False}, 0, 1),
        # no cause excuses a second effect
        ([FIRST, BACK], TWICE, {}, 1, 1),
    ],
)
def test_a_second_run_needs_a_cause_and_a_second_effect_has_none(
    said: list[Completion], step: StepRecord, more: dict[str, Any], doubled: int, redelivered: int
) -> None:
    given = {"published_again": (), "comes_back": True, "queued": 0, "dead": {}, **more}
    ledger, back, _ = reckoned(
        published={"r-1"}, completions={"r-1": said}, book={"r-1": {"submit": step}}, steps=STEPS, **given
    )

    assert (len(ledger.done), len(ledger.doubled), len(back)) == (1, doubled, redelivered)


def test_lost_innocent_and_missing_orders_are_named() -> None:
    ledger, _, _ = reckoned(
        published={"r-1", "r-2", "r-3"},
        completions={"r-1": [FIRST]},
        dead={"r-2": "malformed"},
        book={"r-1": {"submit": ONCE}},
        steps=STEPS,
        queued=0,
        published_again=(),
        comes_back=True,
    )

    found = failures(ledger, expected_dead={"r-9"}, orders=4)

    assert ledger.lost == 1
    assert found == [
        "only 3 of 4 orders were published",
        "1 orders not ended: r-3",
        "1 innocent orders are dead (malformed): r-2",
        "not in dead letters: r-9",
    ]

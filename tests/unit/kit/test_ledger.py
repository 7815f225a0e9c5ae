"""The ledger's table: one order per row, what was seen of it, and what the ledger must say."""

from collections.abc import Mapping
from typing import Any

import pytest

from merchantroute_kit.accounting.ledger import Completion, Evidence, Ledger, StepRecord, reckon

STEPS = ("validate", "submit", "confirm")
ONCE = StepRecord(receipts=1, effects=1)
SERVED = dict.fromkeys(STEPS, ONCE)
SAID = Completion("r-1", "pod-a", 1, 0.3)


def ledger(
    *,
    completions: tuple[Completion, ...] | None = (),
    dead: Mapping[str, str] | None = None,
    book: Mapping[str, StepRecord] | None = None,
    **more: Any,
) -> Ledger:
    """The ledger of the single order r-1."""
    return reckon(
        Evidence(
            published={"r-1"}, completions=completions, dead=dead or {}, book={"r-1": book or {}}, steps=STEPS, **more
        )
    )


def figures(found: Ledger) -> dict[str, int]:
    sizes = {name: len(getattr(found, name)) for name in ("done", "dead", "doubled", "copies")}
    return {name: size for name, size in {**sizes, "lost": found.lost, "queued": found.queued}.items() if size}


AGAIN = StepRecord(receipts=2, effects=1, repeats=1)
TWICE = StepRecord(receipts=2, effects=2, repeats=1)
RETRIED = StepRecord(receipts=3, effects=1)  # two receipts while the merchant hung, then one that was served


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        # done needs the worker's word and the merchant's book, for every step
        ({"completions": (SAID,), "book": SERVED}, {"done": 1}),
        ({"completions": (SAID,), "book": {**SERVED, "confirm": StepRecord(1, 0)}}, {"lost": 1}),
        ({"completions": (SAID,), "book": {"validate": ONCE, "submit": ONCE}}, {"lost": 1}),
        ({"book": SERVED}, {"lost": 1}),
        ({}, {"lost": 1}),
        # a retried order is neither doubled nor a copy
        ({"completions": (SAID,), "book": dict.fromkeys(STEPS, RETRIED)}, {"done": 1}),
        # done before dead before queued
        ({"dead": {"r-1": "malformed"}}, {"dead": 1}),
        ({"completions": (SAID,), "book": SERVED, "dead": {"r-1": "max-age"}}, {"done": 1}),
        ({"queued": 1}, {"queued": 1}),
        ({"dead": {"r-1": "malformed"}, "queued": 1}, {"dead": 1, "queued": 1}),
        # doubled: by content, or run to completion twice
        ({"completions": (SAID,), "book": {**SERVED, "submit": TWICE}}, {"done": 1, "doubled": 1, "copies": 1}),
        (
            {"completions": (SAID, Completion("r-1", "pod-b", 2, 0.4)), "book": SERVED},
            {"done": 1, "doubled": 1},
        ),
        # the same word heard twice, after a reconnect, is one word
        ({"completions": (SAID, SAID), "book": SERVED}, {"done": 1}),
        # copies: delivered again after it was served, without a known cause
        ({"completions": (SAID,), "book": {**SERVED, "submit": AGAIN}}, {"done": 1, "copies": 1}),
        ({"dead": {"r-1": "malformed"}, "dead_twice": {"r-1"}}, {"dead": 1, "copies": 1}),
        ({"completions": (SAID,), "book": {**SERVED, "submit": AGAIN}, "redelivered": {"r-1"}}, {"done": 1}),
        (
            {
                "completions": (Completion("r-1", "pod-a", 1, 0.3, redelivered=True),),
                "book": {**SERVED, "submit": AGAIN},
            },
            {"done": 1},
        ),
        # a known cause excuses a second receipt, never a second effect
        (
            {"completions": (SAID,), "book": {**SERVED, "submit": TWICE}, "redelivered": {"r-1"}},
            {"done": 1, "doubled": 1},
        ),
    ],
)
def test_what_was_seen_of_an_order_puts_it_in_its_place(seen: dict[str, Any], says: dict[str, int]) -> None:
    assert figures(ledger(**seen)) == says


def test_orders_of_another_run_do_not_count() -> None:
    found = ledger(completions=(SAID, Completion("q-9", "pod-a", 1, 0.1)), dead={"q-8": "max-age"}, book=SERVED)
    assert figures(found) == {"done": 1}


def test_messages_beyond_the_missing_orders_make_nothing_less_than_lost() -> None:
    assert figures(ledger(queued=5)) == {"queued": 5}


def test_a_phase_is_reckoned_by_its_own_orders() -> None:
    evidence = Evidence(
        published={"r-1", "r-2"}, completions=(SAID,), dead={}, book={"r-1": SERVED}, steps=STEPS, queued=0
    )
    assert figures(reckon(evidence, {"r-1"})) == {"done": 1}
    assert figures(reckon(evidence, {"r-2"})) == {"lost": 1}


def test_the_ledger_line_adds_up() -> None:
    assert ledger(completions=(SAID,), book=SERVED).line() == (
        "published 1 = done 1 + dead 0 + queued 0 + lost 0; doubled 0, copies 0"
    )


def test_where_no_worker_says_what_it_did_the_merchants_book_stands_alone() -> None:
    assert figures(ledger(completions=None, book=SERVED)) == {"done": 1}
    assert figures(ledger(book=SERVED)) == {"lost": 1}

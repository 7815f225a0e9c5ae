"""The demo fails for every promise that was broken, and says which, with an order to look at."""

from typing import Any

import pytest

from merchantroute_demo.verdict import failures
from merchantroute_kit.accounting.ledger import Ledger

KEPT: dict[str, Any] = {
    "malformed": {"r-2": "malformed"},
    "hung_orders": {"r-1", "r-2"},
    "ratio": 1.1,
    "control": 1.0,
    "healthy": {"baseline": 1000, "hang": 1000},
    "most_hung": 10,
}
LEDGER: dict[str, Any] = {
    "published": {"r-1", "r-2"},
    "done": {"r-1"},
    "dead": {"r-2"},
    "missing": set(),
    "doubled": set(),
    "copies": set(),
    "queued": 0,
    "reasons": {"r-2": "malformed"},
}


def test_a_run_that_kept_its_promises_has_no_failures() -> None:
    assert failures(Ledger(**LEDGER), **KEPT) == []


@pytest.mark.parametrize(
    ("ledger", "seen", "says"),
    [
        ({"missing": {"r-3"}}, {}, "lost: 1, such as r-3"),
        ({"doubled": {"r-1"}}, {}, "doubled: 1, such as r-1"),
        ({"copies": {"r-1"}}, {}, "copies: 1, such as r-1"),
        ({"queued": 4}, {}, "queued: 4 messages"),
        ({"reasons": {}}, {}, "not dead: 1, such as r-2"),
        ({"reasons": {"r-2": "malformed", "r-1": "max-age"}}, {}, "wrongly dead: 1, such as r-1 (reasons: max-age)"),
        ({"reasons": {"r-2": "expired"}}, {}, "dead for another reason: 1, such as r-2 (reasons: expired)"),
        ({"done": set()}, {}, "not done after healing: 1, such as r-1"),
        ({}, {"ratio": 1.51}, "ratio is 1.51"),
        ({}, {"ratio": 1.51}, "felt by its neighbours"),
        ({}, {"ratio": 1.51, "control": 1.6}, "the machine was busy"),
        ({}, {"ratio": None}, "ratio is unknown"),
        ({}, {"healthy": {"baseline": 1000, "hang": 999}}, "only 999 healthy orders in phase hang"),
        ({}, {"most_hung": 0}, "no call was ever seen hanging"),
    ],
)
def test_each_broken_promise_is_named(ledger: dict[str, Any], seen: dict[str, Any], says: str) -> None:
    found = failures(Ledger(**{**LEDGER, **ledger}), **{**KEPT, **seen})
    assert len(found) == 1
    assert says in found[0]


def test_what_is_queued_is_not_called_lost() -> None:
    found = failures(Ledger(**{**LEDGER, "missing": {"r-3"}, "queued": 1}), **KEPT)
    assert [failure.split(":")[0] for failure in found] == ["queued"]

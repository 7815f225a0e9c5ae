"""Filters of dead letters."""

import json
from pathlib import Path

import pytest

from merchantroute_worker.cli.filters import REPLAYED_UNASKED, Filters, known_reason, reasons
from tests.unit.cli.dead_letter_samples import NOW, letter

SCHEMA = Path(__file__).resolve().parents[3] / "schema" / "envelope.json"


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        (Filters(), True),
        (Filters(merchants={"bistro"}), True),
        (Filters(merchants={"tavern", "bistro"}), True),
        (Filters(merchants={"tavern"}), False),
        (Filters(reasons={"max-age", "expired"}), True),
        (Filters(reasons={"expired"}), False),
        (Filters(merchants={"bistro"}, reasons={"expired"}), False),
        (Filters(since=NOW - 3600), True),  # published then, exactly
        (Filters(since=NOW - 3599), False),
        (Filters(until=NOW - 3599), True),
        (Filters(until=NOW - 3600), False),
        (Filters(since=NOW - 3601, until=NOW - 3599), True),
        (Filters(ids={"o-1"}), True),
        (Filters(ids={"o-2"}), False),
    ],
)
def test_every_filter_that_is_given_must_fit(filters: Filters, matches: bool) -> None:
    assert filters.match(letter("o-1", merchant="bistro", reason="max-age", age=3600)) is matches


def test_a_letter_without_a_time_is_left_out_where_a_time_is_asked_for() -> None:
    assert not Filters(since=0.0).match(letter(age=None))
    assert Filters().match(letter(age=None))


def test_reasons_are_the_schema_s_and_the_broker_s() -> None:
    enum = json.loads(SCHEMA.read_text())["$defs"]["reason"]["enum"]

    assert reasons() == (*enum, "delivery-limit")
    assert set(enum) >= REPLAYED_UNASKED
    assert [known_reason(each) for each in reasons()] == list(reasons())
    assert known_reason("broker-rejected") == "broker-rejected"
    with pytest.raises(ValueError, match=r"'max_age' is no reason of a dead letter: one of malformed, .*max-age"):
        known_reason("max_age")


@pytest.mark.parametrize(
    "reason", ["malformed", "undecodable", "expired", "killed-its-pod", "delivery-limit", "unknown", "of-tomorrow"]
)
def test_what_cannot_succeed_or_may_do_harm_is_replayed_only_when_asked_for(reason: str) -> None:
    dead = letter("o-1", reason=reason)

    assert not Filters().replays(dead)
    assert not Filters(merchants={"bistro"}, since=0.0).replays(dead)
    assert Filters(reasons={reason}).replays(dead)
    assert Filters(ids={"o-1"}).replays(dead)


@pytest.mark.parametrize("reason", sorted(REPLAYED_UNASKED))
def test_what_may_succeed_now_is_replayed(reason: str) -> None:
    assert Filters().replays(letter(reason=reason))

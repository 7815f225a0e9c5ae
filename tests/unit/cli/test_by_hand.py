"""The annotations that hold or isolate a merchant, as the command line writes them and the operator reads them."""

import json
from datetime import datetime

import pytest

from merchantroute_operator.spec.sections.isolation_by_hand import parse_by_hand
from merchantroute_worker.cli.by_hand import (
    GROUPS_HELD,
    HELD,
    ISOLATED,
    asked,
    checked_group,
    checked_merchant,
    ends,
    groups_held,
    released,
)
from merchantroute_worker.cli.errors import Problem

NOW = datetime.fromisoformat("2027-01-01T11:00:00Z").timestamp()
NOON, TEN = "2027-01-01T12:00:00Z", "2027-01-01T10:00:00Z"


def written(before: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """The annotations after ``changes``."""
    return {name: text for name, text in {**before, **changes}.items() if text is not None}


def test_the_operator_reads_what_is_written() -> None:
    held = written({}, asked({}, "burger-barn", HELD, NOW + 3600, NOW))
    both = written(held, asked(held, "寿司 = №7", ISOLATED, NOW + 7200, NOW))

    found = parse_by_hand(both)
    assert found.held == {"burger-barn": NOW + 3600}
    assert found.isolated == {"寿司 = №7": NOW + 7200}
    assert found.problems == ()


def test_the_newest_word_counts_and_a_merchant_stands_in_one_annotation() -> None:
    before = {HELD: f'{{"hut": "{NOON}", "bar": "{NOON}"}}', "other": "x"}
    after = written(before, asked(before, "hut", ISOLATED, NOW + 60, NOW))

    assert json.loads(after[HELD]) == {"bar": NOON}
    assert json.loads(after[ISOLATED]) == {"hut": "2027-01-01T11:01:00Z"}
    assert after["other"] == "x"


def test_ends_that_have_passed_go_when_somebody_writes_and_what_is_no_time_stays() -> None:
    before = {HELD: f'{{"hut": "{TEN}", "bar": "soon", "fry": "{NOON}"}}', ISOLATED: f'{{"taco": "{TEN}"}}'}
    changes = asked(before, "pho", HELD, NOW + 60, NOW)

    assert changes[ISOLATED] is None
    assert list(json.loads(changes[HELD] or "")) == ["bar", "fry", "pho"]


def test_a_released_merchant_is_in_neither_and_an_empty_annotation_goes() -> None:
    before = {HELD: f'{{"hut": "{NOON}"}}', ISOLATED: f'{{"hut": "{NOON}", "bar": "{NOON}"}}'}
    assert released(before, "hut", NOW) == {HELD: None, ISOLATED: f'{{"bar": "{NOON}"}}'}


def test_nothing_is_written_for_one_whom_nobody_holds() -> None:
    assert released({HELD: f'{{"hut": "{NOON}", "bar": "{TEN}"}}'}, "bar", NOW) == {}
    assert released({}, "hut", NOW) == {}


@pytest.mark.parametrize("text", ["", "hut", "[]", "[" * 60_000])
def test_an_annotation_that_cannot_be_read_is_not_written_over(text: str) -> None:
    said = f"annotation {HELD} of the route is no JSON object: correct it"
    with pytest.raises(Problem, match=said):
        asked({HELD: text}, "hut", ISOLATED, NOW + 60, NOW)
    with pytest.raises(Problem, match=said):
        released({HELD: text}, "hut", NOW)


def test_a_hundred_merchants_at_most() -> None:
    before = {HELD: json.dumps({f"m{n}": NOON for n in range(100)})}
    with pytest.raises(Problem, match="100 merchants already, and 100 at most: release one first"):
        asked(before, "hut", HELD, NOW + 60, NOW)
    assert asked(before, "m7", HELD, NOW + 60, NOW)  # one that is there already


@pytest.mark.parametrize(("merchant", "bytes_"), [("", 0), ("m" * 256, 256), ("é" * 128, 256)])
def test_what_no_order_can_name_is_refused(merchant: str, bytes_: int) -> None:
    with pytest.raises(Problem, match=f"1 to 255 bytes in UTF-8, this one {bytes_}"):
        checked_merchant(merchant)


def test_a_terminal_s_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Problem, match="no text in UTF-8"):
        checked_merchant("caf\udce9")


def test_who_is_held_or_isolated_now_is_told_and_a_hold_wins() -> None:
    annotations = {
        HELD: f'{{"hut": "{NOON}", "old": "{TEN}", "bad": "soon", "zone": "2027-01-01T12:00:00"}}',
        ISOLATED: f'{{"hut": "{NOON}", "bar": "{NOON}"}}',
    }
    assert ends(annotations, NOW) == {"hut": ("held", NOON), "bar": ("isolated", NOON)}
    assert ends({HELD: "nonsense", ISOLATED: f'{{"bar": "{NOON}"}}'}, NOW) == {"bar": ("isolated", NOON)}


def test_the_operator_reads_which_groups_are_held() -> None:
    before = {HELD: f'{{"hut": "{NOON}"}}'}
    after = written(before, asked(before, "pos.vendor.example", GROUPS_HELD, NOW + 3600, NOW))

    found = parse_by_hand(after)
    assert (found.held_groups, found.problems) == ({"pos.vendor.example": NOW + 3600}, ())
    assert list(found.held) == ["hut"]
    assert groups_held(after, NOW) == {"pos.vendor.example": NOON}
    assert released(after, "pos.vendor.example", NOW) == {}
    assert released(after, "pos.vendor.example", NOW, (GROUPS_HELD,)) == {GROUPS_HELD: None}


def test_of_groups_that_are_held_those_count_whose_end_is_to_come() -> None:
    assert groups_held({GROUPS_HELD: f'{{"b": "{TEN}", "a": "{NOON}", "c": "soon"}}'}, NOW) == {"a": NOON}
    assert groups_held({GROUPS_HELD: "nonsense"}, NOW) == {}


def test_a_hundred_groups_are_held_at_most() -> None:
    many = json.dumps({f"g{number}": NOON for number in range(100)})
    with pytest.raises(Problem, match="has 100 groups already, and 100 at most: release one first"):
        asked({GROUPS_HELD: many}, "one-more", GROUPS_HELD, NOW + 60, NOW)


@pytest.mark.parametrize("name", ["", "Vendor", "https://a.example", "a b", "x" * 254, "-a"])
def test_what_can_be_no_group_is_refused_by_both(name: str) -> None:
    with pytest.raises(Problem, match="a group is the host"):
        checked_group(name)
    assert parse_by_hand({GROUPS_HELD: json.dumps({name: NOON})}).held_groups == {}
    assert checked_group("2001:db8::1") == "2001:db8::1"

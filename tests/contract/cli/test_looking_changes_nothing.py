"""Letters are evidence: listing and showing them, however often and however it ends, leaves every one as it was."""

import json
import re
import signal
import zlib
from typing import Any

import pytest

from tests.contract.cli.desk import DEAD, Desk, lines
from tests.worker.waiting import until

ODD: dict[str, dict[str, Any]] = {
    "no JSON": {"body": b"{soup \xff\x1b[2J", "correlation_id": "odd"},
    "no id, no headers": {"body": b"[]"},
    "no body": {"body": b"", "correlation_id": "odd"},
    "headers of every kind": {
        "body": b"null",
        "correlation_id": "odd",
        "application_headers": {"a": b"\xff", "b": 1.5, "c": [1, {"d": None}], "e": True, "mr-attempts": "many"},
    },
    "compressed": {"body": zlib.compress(b"[]"), "application_headers": {"compression": "application/x-gzip"}},
    "an id that is not UTF-8": {"body": b"[]", "correlation_id": b"\xff\xfe"},
    "names of headers that are not UTF-8": {
        "body": b"[]",
        "correlation_id": "odd",
        "type": b"\xff",
        "application_headers": {b"\xff": [{b"\xfe": 1}]},
    },
    "an id that writes on the terminal": {"body": b"[]", "correlation_id": "\x1b[2J[red]"},
}


def test_listing_more_often_than_the_broker_may_deliver_changes_nothing(desk: Desk) -> None:
    """RabbitMQ's own limit of deliveries is 20."""
    desk.bury(60)
    desk.bury(40, "malformed", name="m")
    before = desk.contents()

    outputs = {desk.ok("list", "--json") for _ in range(12)}
    tables = {desk.ok("list") for _ in range(12)}

    assert desk.contents() == before
    assert len({tuple(sorted(output.splitlines())) for output in outputs}) == 1
    assert all("100 letters in mr.orders.pos.dead: max-age 60, malformed 40" in table for table in tables)


def test_the_table_shows_the_newest_and_counts_all(desk: Desk) -> None:
    desk.bury(30)

    shown = desk.ok("list", "--limit", "5").splitlines()

    assert shown[0].split() == ["ORDER", "MERCHANT", "REASON", "STEP", "ATTEMPTS", "ANSWER", "PUBLISHED"]
    assert [line.split()[0] for line in shown[1:6]] == ["o-29", "o-28", "o-27", "o-26", "o-25"]
    assert re.fullmatch(r"o-29 +bistro +max-age +submit +8 +timeout +1h(\d+m)? ago", shown[1])
    assert shown[-1] == "30 letters in mr.orders.pos.dead: max-age 30; above are the newest 5 (--limit)"


def test_filters_choose_by_merchant_reason_and_time(desk: Desk) -> None:
    desk.bury(3, "max-age", merchant="bistro", name="a")
    desk.bury(4, "malformed", merchant="bistro", name="b")
    desk.bury(5, "max-age", merchant="tavern", name="c")

    def listed(*filters: str) -> int:
        return len(lines(desk.ok("list", "--json", *filters)))

    assert listed() == 12
    assert listed("--merchant", "bistro") == 7
    assert listed("--merchant", "bistro", "--merchant", "tavern") == 12
    assert listed("--reason", "max-age") == 8
    assert listed("--reason", "max-age", "--merchant", "bistro") == 3
    assert (listed("--since", "2h"), listed("--since", "30m"), listed("--until", "30m")) == (12, 0, 12)
    assert "8 of 12 letters in" in desk.ok("list", "--reason", "max-age")


def test_ten_thousand_letters_are_listed_and_none_is_kept_back(desk: Desk) -> None:
    """More than any consumer is given at once, so that one consumer takes over from another."""
    ids = desk.bury(10_000)

    listed = [each["order"] for each in lines(desk.ok("list", "--json"))]

    assert len(listed) == 10_000
    assert set(listed) == ids
    desk.until_ready(10_000)


def test_a_list_that_is_killed_in_the_middle_changes_nothing(desk: Desk) -> None:
    """It stands still when the pipe is full that nobody reads: the broker has handed out some letters then."""
    desk.bury(2000)
    before = desk.contents()

    for _ in range(3):
        with desk.process("list", "--json") as child:
            assert child.stdout
            json.loads(child.stdout.readline())
            assert desk.ready() < 2000
            child.send_signal(signal.SIGKILL)
            child.wait(30)
        desk.until_ready(2000)

    assert desk.contents() == before


def test_whoever_has_read_enough_may_leave(desk: Desk) -> None:
    desk.bury(2000)

    with desk.process("list", "--json") as child:
        assert child.stdout
        assert child.stderr
        child.stdout.readline()
        child.stdout.close()
        said = child.stderr.read()
        child.wait(30)

    assert said == ""
    desk.until_ready(2000)


def test_show_tells_all_of_one_order(desk: Desk) -> None:
    desk.bury(20, "attempts-exhausted")
    before = desk.contents()

    shown = desk.ok("show", "o-7")

    assert "order o-7 of merchant bistro" in shown
    assert "  [x] validate: POST /validate\n  [ ] submit: POST /submit" in shown
    assert json.loads(desk.ok("show", "o-7", "--json"))["journal"]["done"] == ["validate"]
    assert desk.contents() == before


def test_show_of_an_order_that_is_not_there_says_so(desk: Desk) -> None:
    desk.bury(2)

    result = desk.run("show", "o-9")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no letter of order o-9 in mr.orders.pos.dead" in result.stderr


@pytest.mark.parametrize("odd", ODD)
def test_any_message_is_a_letter(desk: Desk, odd: str) -> None:
    message = dict(ODD[odd])
    desk.send(message.pop("body"), "bistro", **message)
    before = desk.contents()

    output = desk.ok("list")
    (told,) = lines(desk.ok("list", "--json"))
    if told["order"]:
        output += desk.ok("show", told["order"]) + desk.ok("show", told["order"], "--json")

    assert (told["merchant"], told["reason"]) == ("bistro", "unknown")
    assert "\x1b" not in output
    assert desk.contents() == before


def test_a_letter_that_the_broker_buried_says_that_it_was_delivered_too_often(desk: Desk) -> None:
    desk.send(b"[]", "bistro", exchange=f"{DEAD.removesuffix('.dead')}", correlation_id="poison")
    desk.hand_back(51)

    (told,) = lines(desk.ok("list", "--json"))

    assert (told["order"], told["merchant"], told["reason"]) == ("poison", "bistro", "delivery-limit")


def test_a_policy_s_delivery_limit_wins_over_the_queue_s_own(desk: Desk) -> None:
    """Why the command line stops where a route tells of a policy: the larger of -1 and the policy's is taken."""
    desk.bury(3)
    policy = {"pattern": "^mr", "definition": {"delivery-limit": 2}, "apply-to": "queues"}
    desk.vhost.api("PUT", f"policies/{desk.vhost.name}/limits", policy)

    def gone() -> bool:
        desk.run("list")
        return desk.ready() == 0

    until(gone, "the broker deletes what was looked at")


def test_letters_that_somebody_else_holds_are_told_of(desk: Desk) -> None:
    desk.bury(3)
    with desk.process("list", "--json") as child:
        child.wait(30)
    assert "other consumer" not in desk.run("list").stderr

    with desk.held():
        result = desk.run("list")

    assert "1 other consumer(s) of mr.orders.pos.dead: what they hold is not counted here" in result.stderr

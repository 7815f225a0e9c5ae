"""Letters are evidence: listing and showing them, however often and however it ends, leaves every one as it was."""

import json
import re
import signal
import zlib
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from tests.contract.cli.dead_letter_user import DEAD, DeadLetterUser, lines

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


def test_listing_more_often_than_the_broker_may_deliver_changes_nothing(person: DeadLetterUser) -> None:
    """RabbitMQ's own limit of deliveries is 20."""
    person.bury(60)
    person.bury(40, "malformed", name="m")
    before = person.contents()

    outputs = {person.ok("list", "--json") for _ in range(12)}
    tables = {person.ok("list") for _ in range(12)}

    assert person.contents() == before
    assert len({tuple(sorted(output.splitlines())) for output in outputs}) == 1
    assert all("100 letters in mr.orders.pos.dead: max-age 60, malformed 40" in table for table in tables)


def test_the_table_shows_the_newest_and_counts_all(person: DeadLetterUser) -> None:
    person.bury(30)

    shown = person.ok("list", "--limit", "5").splitlines()

    assert shown[0].split() == ["ORDER", "MERCHANT", "REASON", "STEP", "ATTEMPTS", "ANSWER", "PUBLISHED"]
    assert [line.split()[0] for line in shown[1:6]] == ["o-29", "o-28", "o-27", "o-26", "o-25"]
    assert re.fullmatch(r"o-29 +bistro +max-age +submit +8 +timeout +1h(\d+m)? ago", shown[1])
    assert shown[-1] == "30 letters in mr.orders.pos.dead: max-age 30; above are the newest 5 (--limit)"


def test_filters_choose_by_merchant_reason_and_time(person: DeadLetterUser) -> None:
    person.bury(3, "max-age", merchant="bistro", name="a")
    person.bury(4, "malformed", merchant="bistro", name="b")
    person.bury(5, "max-age", merchant="tavern", name="c")

    def listed(*filters: str) -> int:
        return len(lines(person.ok("list", "--json", *filters)))

    assert listed() == 12
    assert listed("--merchant", "bistro") == 7
    assert listed("--merchant", "bistro", "--merchant", "tavern") == 12
    assert listed("--reason", "max-age") == 8
    assert listed("--reason", "max-age", "--merchant", "bistro") == 3
    assert (listed("--since", "2h"), listed("--since", "30m"), listed("--until", "30m")) == (12, 0, 12)
    assert "8 of 12 letters in" in person.ok("list", "--reason", "max-age")


def test_ten_thousand_letters_are_listed_and_none_is_kept_back(person: DeadLetterUser) -> None:
    """More than any consumer is given at once, so that one consumer takes over from another."""
    ids = person.bury(10_000)

    listed = [each["order"] for each in lines(person.ok("list", "--json"))]

    assert len(listed) == 10_000
    assert set(listed) == ids
    person.until_ready(10_000)


def test_a_list_that_is_killed_in_the_middle_changes_nothing(person: DeadLetterUser) -> None:
    """It stands still when the pipe is full that nobody reads: the broker has handed out some letters then."""
    person.bury(2000)
    before = person.contents()

    for _ in range(3):
        with person.process("list", "--json") as child:
            assert child.stdout
            json.loads(child.stdout.readline())
            assert person.ready() < 2000
            child.send_signal(signal.SIGKILL)
            child.wait(30)
        person.until_ready(2000)

    assert person.contents() == before


def test_whoever_has_read_enough_may_leave(person: DeadLetterUser) -> None:
    person.bury(2000)

    with person.process("list", "--json") as child:
        assert child.stdout
        assert child.stderr
        child.stdout.readline()
        child.stdout.close()
        said = child.stderr.read()
        child.wait(30)

    assert said == ""
    person.until_ready(2000)


def test_show_tells_all_of_one_order(person: DeadLetterUser) -> None:
    person.bury(20, "attempts-exhausted")
    before = person.contents()

    shown = person.ok("show", "o-7")

    assert "order o-7 of merchant bistro" in shown
    assert "  [x] validate: POST /validate\n  [ ] submit: POST /submit" in shown
    assert json.loads(person.ok("show", "o-7", "--json"))["journal"]["done"] == ["validate"]
    assert person.contents() == before


def test_show_of_an_order_that_is_not_there_says_so(person: DeadLetterUser) -> None:
    person.bury(2)

    result = person.run("show", "o-9")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no letter of order o-9 in mr.orders.pos.dead" in result.stderr


@pytest.mark.parametrize("odd", ODD)
def test_any_message_is_a_letter(person: DeadLetterUser, odd: str) -> None:
    message = dict(ODD[odd])
    person.send(message.pop("body"), "bistro", **message)
    before = person.contents()

    output = person.ok("list")
    (told,) = lines(person.ok("list", "--json"))
    if told["order"]:
        output += person.ok("show", told["order"]) + person.ok("show", told["order"], "--json")

    assert (told["merchant"], told["reason"]) == ("bistro", "unknown")
    assert "\x1b" not in output
    assert person.contents() == before


def test_a_letter_that_the_broker_buried_says_that_it_was_delivered_too_often(person: DeadLetterUser) -> None:
    person.send(b"[]", "bistro", exchange=f"{DEAD.removesuffix('.dead')}", correlation_id="poison")
    person.hand_back(51)

    (told,) = lines(person.ok("list", "--json"))

    assert (told["order"], told["merchant"], told["reason"]) == ("poison", "bistro", "delivery-limit")


def test_a_policy_s_delivery_limit_wins_over_the_queue_s_own(person: DeadLetterUser) -> None:
    """Why the command line stops where a route tells of a policy: the larger of -1 and the policy's is taken."""
    person.bury(3)
    policy = {"pattern": "^mr", "definition": {"delivery-limit": 2}, "apply-to": "queues"}
    person.vhost.api("PUT", f"policies/{person.vhost.name}/limits", policy)

    def gone() -> bool:
        person.run("list")
        return person.ready() == 0

    until(gone, "the broker deletes what was looked at")


def test_letters_that_somebody_else_holds_are_told_of(person: DeadLetterUser) -> None:
    person.bury(3)
    with person.process("list", "--json") as child:
        child.wait(30)
    assert "other consumer" not in person.run("list").stderr

    with person.held():
        result = person.run("list")

    assert "1 other consumer(s) of mr.orders.pos.dead: what they hold is not counted here" in result.stderr

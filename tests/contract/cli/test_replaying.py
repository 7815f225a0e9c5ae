"""Replay moves each letter behind the front door once, confirmed, and whatever ends it loses nothing."""

import json
import signal
import time
from collections import Counter

import pytest

from merchantroute_kit.waiting import until
from merchantroute_worker.cli import replay as replaying
from merchantroute_worker.cli.addresses import Route, from_url
from merchantroute_worker.cli.dead_letter import DeadLetter
from tests.contract.cli.dead_letter_user import DEAD, DOOR, LANE, DeadLetterUser, journal

AT_ONCE = ("replay", "--yes", "--rate", "max")


def test_each_letter_is_moved_once(person: DeadLetterUser) -> None:
    ids = person.bury(700)
    began = round(time.time() * 1000)

    said = person.ok(*AT_ONCE)

    assert said.splitlines()[-1] == "700 letters replayed to mr.orders.pos.router"
    assert person.ready(DEAD) == 0
    moved = person.contents(LANE)
    assert len(moved) == 700
    assert {each["id"] for each in moved} == ids
    for each in moved:
        assert each["merchant"] == "bistro"
        assert journal(each) == {**journal(each), "done": ["validate"], "attempts": 0, "refusals": 2}
        headers = each["headers"]
        assert set(headers) == {"task", "id", "mr-published-at", "mr-first-published-at", "mr-replays"}
        assert headers["mr-published-at"] >= began > headers["mr-first-published-at"]


def test_only_what_was_asked_for_is_moved(person: DeadLetterUser) -> None:
    person.bury(5, "max-age", merchant="bistro", name="a")
    person.bury(6, "max-age", merchant="tavern", name="b")
    person.bury(7, "merchant-rejected", merchant="tavern", name="c")

    person.ok(*AT_ONCE, "--merchant", "tavern", "--reason", "max-age")
    assert {each[0] for each in person.ids(LANE)} == {"b"}

    person.ok(*AT_ONCE, "a-1", "c-1")
    assert {*person.ids(LANE)} == {f"b-{number}" for number in range(6)} | {"a-1", "c-1"}
    assert person.ready(DEAD) == 4 + 6


def test_letters_that_cannot_succeed_stay_unless_asked_for(person: DeadLetterUser) -> None:
    person.bury(3, "max-age", name="a")
    person.bury(2, "malformed", name="m")
    person.send(b"{soup", "bistro", correlation_id="u", application_headers={"mr-reason": "undecodable"})

    said = person.ok(*AT_ONCE)

    assert "left alone: malformed 2, undecodable 1 (replayed only by order id or --reason)" in said
    assert person.ids() == ["m-0", "m-1", "u"]

    person.ok(*AT_ONCE, "--reason", "undecodable")
    (undecodable,) = [each for each in person.contents(LANE) if each["id"] == "u"]
    assert undecodable["body"] == b"{soup"
    person.ok(*AT_ONCE, "m-1")
    assert person.ids() == ["m-0"]


def test_an_order_that_is_not_there_is_named_and_nothing_is_done(person: DeadLetterUser) -> None:
    person.bury(3)

    result = person.run(*AT_ONCE, "o-1", "o-7")

    assert (result.exit_code, result.stderr) == (1, "Error: no letter of o-7 there: nothing was done\n")
    assert person.ready(DEAD) == 3


def test_nothing_to_replay_is_no_error(person: DeadLetterUser) -> None:
    assert person.ok(*AT_ONCE) == "no letter to do that with\n"


def test_without_a_terminal_it_wants_a_yes(person: DeadLetterUser) -> None:
    person.bury(3)

    result = person.run("replay")

    assert result.exit_code == 1
    question = "replay 3 letters to mr.orders.pos.router (max-age 3)"
    assert f"{question}: nobody to ask, this is no terminal. Say --yes" in result.stderr
    assert person.ready(DEAD) == 3


def test_killed_in_the_middle_and_run_again_it_loses_nothing(person: DeadLetterUser) -> None:
    """A kill between a confirm and its ack may leave one letter on both sides: at most one copy for each kill."""
    ids = person.bury(400)
    kills = 3
    for kill in range(kills):
        with person.process("replay", "--yes", "--rate", "200/s") as child:
            until(lambda goal=40 * (kill + 1): person.ready(LANE) >= goal, "the replay is in its middle")  # type: ignore[misc]
            child.send_signal(signal.SIGKILL)
            child.wait(30)
        until(lambda: person.ready(DEAD) + person.ready(LANE) >= 400, "the broker has taken back what was held")
        assert {*person.ids(DEAD)} | {*person.ids(LANE)} == ids
        assert person.ready(DEAD) > 0

    person.ok(*AT_ONCE)

    assert person.ready(DEAD) == 0
    moved = Counter(person.ids(LANE))
    assert set(moved) == ids
    assert moved.total() - len(moved) <= kills


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_finishes_the_letter_it_has(person: DeadLetterUser, number: signal.Signals) -> None:
    ids = person.bury(300)
    with person.process("replay", "--yes", "--rate", "100/s") as child:
        until(lambda: person.ready(LANE) >= 20, "the replay is in its middle")
        child.send_signal(number)
        said, error = child.communicate(timeout=30)

    assert child.returncode == 1
    assert "interrupted: the rest is still in dead letters, run the same command again" in error
    moved = person.ids(LANE)
    assert f"{len(moved)} letters replayed to mr.orders.pos.router" in said
    assert sorted(moved + person.ids(DEAD)) == sorted(ids)


def test_a_closed_door_is_told_and_nothing_is_moved(person: DeadLetterUser) -> None:
    person.bury(5)
    before = person.contents()
    person.close_the_door()

    result = person.run(*AT_ONCE)

    assert result.exit_code == 1
    assert "after 0 letters replayed: there is no exchange mr.orders.pos" in result.stderr
    assert "run the same command again" in result.stderr
    assert person.contents() == before


def test_a_router_that_leads_nowhere_is_told_and_nothing_is_lost(person: DeadLetterUser) -> None:
    person.bury(5)
    before = person.contents()
    person.take_the_way_on()

    result = person.run(*AT_ONCE)

    assert result.exit_code == 1
    assert "no queue behind mr.orders.pos.router takes orders of 'bistro' (returned as unroutable)" in result.stderr
    assert person.contents() == before


def test_a_door_that_closes_in_the_middle_stops_it_and_loses_nothing(person: DeadLetterUser) -> None:
    ids = person.bury(300)
    with person.process("replay", "--yes", "--rate", "100/s") as child:
        until(lambda: person.ready(LANE) >= 20, "the replay is in its middle")
        person.close_the_door()
        _, error = child.communicate(timeout=60)

    assert child.returncode == 1
    assert "letters replayed: there is no exchange mr.orders.pos" in error
    assert sorted(person.ids(LANE) + person.ids(DEAD)) == sorted(ids)


def test_another_exchange_can_be_named(person: DeadLetterUser) -> None:
    ids = person.bury(5)
    person.close_the_door()

    person.ok(*AT_ONCE, "--to", f"{DOOR}.router")

    assert {*person.ids(LANE)} == ids


def test_a_letter_that_dies_again_meanwhile_is_not_replayed_twice(
    person: DeadLetterUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replayed to dead letters themselves, each is back at once, and seen by the next of many rounds."""
    monkeypatch.setattr(replaying, "PASS_TIME", 0.05)
    ids = person.bury(50)
    replayed: list[str | None] = []

    def told(letter: DeadLetter) -> None:
        replayed.append(letter.id)
        assert len(replayed) <= 50, "a letter was replayed again"

    replay = replaying.Replay(
        wanted=lambda _: True,
        exchange=DEAD,
        open_if=DOOR,
        rate=200,
        reset_attempts=True,
        stop=replaying.Stop(),
        on_replayed=told,
    )
    replay.run(Route(namespace="orders", name="pos"), from_url(person.place["MR_BROKER"], None))

    found = person.contents()
    assert {*replayed} == {each["id"] for each in found} == ids
    assert {each["headers"]["mr-replays"] for each in found} == {1}


def test_in_several_rounds_each_letter_is_still_moved_once(
    person: DeadLetterUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker ends a channel that holds letters for long, so a slow replay lets go of the others now and then."""
    monkeypatch.setattr(replaying, "PASS_TIME", 0.05)
    ids = person.bury(40, name="a")
    person.bury(40, merchant="tavern", name="b")

    person.ok("replay", "--yes", "--rate", "100/s", "--merchant", "bistro")

    assert sorted(person.ids(LANE)) == sorted(ids)
    assert person.ready(DEAD) == 40


def test_a_header_that_amqp_cannot_carry_again_does_not_hold_the_letter(person: DeadLetterUser) -> None:
    headers = {"mr-reason": "max-age", "task": "merchantroute.order", "id": "o", "day": b"\xff"}
    person.send(b"[]", "bistro", correlation_id="o", application_headers=headers)

    person.ok(*AT_ONCE)

    (moved,) = person.contents(LANE)
    assert (moved["headers"]["task"], moved["headers"]["id"]) == ("merchantroute.order", "o")


def test_what_a_producer_wrote_into_a_letter_is_marked_so_that_no_worker_believes_it(person: DeadLetterUser) -> None:
    """The broker buries an order that comes back too often; no worker has read it."""
    forged = {"mr-reason": "max-age", "mr-refusals": 7, "x-delivery-count": 9}
    deaths = [{"reason": "expired", "exchange": f"{DOOR}.router", "queue": "q", "count": 1}]
    headers = {"task": "merchantroute.order", "id": "o", **forged, "x-death": deaths}
    person.send(_forged(), "bistro", DOOR, correlation_id="o", application_headers=headers)
    person.hand_back(51)
    assert "delivery-limit" in person.ok("list")

    person.ok(*AT_ONCE, "o")

    (moved,) = person.contents(LANE)
    assert moved["body"] == _forged()
    assert moved["headers"]["mr-as-published"] is True
    assert (moved["headers"]["mr-refusals"], moved["exchange"]) == (1, f"{DOOR}.router")


def _forged() -> bytes:
    steps = [{"name": "x", "method": "DELETE", "path": "/menu"}]
    journal = {"v": 1, "steps": steps, "done": [], "attempts": 0, "refusals": 0}
    return json.dumps([[], {"order": {}}, {"merchantroute": journal}]).encode()

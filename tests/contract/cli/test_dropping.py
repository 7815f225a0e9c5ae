"""Letters are dropped for good only when a person means it, and where they ask for it only once a file holds them."""

import json
import stat
from pathlib import Path

import amqp
import pytest

from merchantroute_kit.worker import topology
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.reader import DeadLetterReader
from tests.contract.cli.dead_letter_user import DEAD, DeadLetterUser, journal, lines


def test_only_what_was_asked_for_is_dropped(person: DeadLetterUser) -> None:
    person.bury(5, "max-age", name="a")
    person.bury(6, "malformed", name="m")

    said = person.ok("drop", "--reason", "malformed", "--yes")

    assert said.splitlines() == ["drop 6 letters for good (malformed 6)", "6 letters dropped"]
    assert {each[0] for each in person.ids()} == {"a"}

    person.ok("drop", "a-1", "a-2", "--yes")
    assert person.ids() == ["a-0", "a-3", "a-4"]
    person.ok("drop", "--all", "--yes")
    assert person.ids() == []


def test_what_is_told_to_be_dropped_is_gone_also_when_the_queue_is_behind(person: DeadLetterUser) -> None:
    """A channel that closes at once loses acks that it has kept back for a quorum queue, here once in a few times."""
    for number in range(12):
        person.bury(1000, name=f"r{number}")
        assert "1,000 letters dropped" in person.ok("drop", "--all", "--yes")
        assert person.ready() == 0


def test_without_a_terminal_it_wants_a_yes(person: DeadLetterUser) -> None:
    person.bury(3)

    result = person.run("drop", "--all")

    assert result.exit_code == 1
    assert "drop 3 letters for good (max-age 3): nobody to ask" in result.stderr
    assert person.ready() == 3


def test_what_is_dropped_is_saved_whole(person: DeadLetterUser, tmp_path: Path) -> None:
    person.bury(450)
    person.send(b"\xff{", "tavern", correlation_id="u", application_headers={"mr-reason": "max-age", "own": b"\xff"})
    before = {each["id"]: each for each in person.contents()}
    file = tmp_path / "letters.jsonl"

    said = person.ok("drop", "--reason", "max-age", "--yes", "--save", str(file))

    assert said.splitlines()[-1] == f"451 letters dropped, saved in {file}"
    assert person.ready() == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    saved = {each["order"]: each for each in lines(file.read_text())}
    assert set(saved) == set(before)
    assert saved["u"]["bodyBase64"] == "/3s="
    for order_id in set(before) - {"u"}:
        assert saved[order_id]["merchant"] == "bistro"
        assert json.loads(saved[order_id]["body"])[2]["merchantroute"] == journal(before[order_id])
        assert before[order_id]["headers"].items() <= saved[order_id]["headers"].items()


def test_a_file_that_is_there_is_added_to(person: DeadLetterUser, tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    person.bury(2, name="a")
    person.ok("drop", "--all", "--yes", "--save", str(file))
    person.bury(3, name="b")
    person.ok("drop", "--all", "--yes", "--save", str(file))

    assert len(lines(file.read_text())) == 5


def test_what_cannot_be_saved_is_not_dropped(person: DeadLetterUser, tmp_path: Path) -> None:
    person.bury(5)
    before = person.contents()

    full = person.run("drop", "--all", "--yes", "--save", "/dev/full")
    nowhere = person.run("drop", "--all", "--yes", "--save", str(tmp_path / "nowhere" / "letters.jsonl"))

    assert (full.exit_code, nowhere.exit_code) == (1, 1)
    assert "/dev/full cannot be written: No space left on device" in full.stderr
    assert "cannot be opened: No such file or directory; nothing was dropped" in nowhere.stderr
    assert person.contents() == before


def test_letters_are_back_at_once_also_where_something_was_in_the_way(person: DeadLetterUser) -> None:
    person.bury(5)

    with topology.connect(person.vhost) as connection:
        with pytest.raises(Problem, match="full"):
            _look_in_vain(connection)

        assert person.ready() == 5, "the connection is open still: nobody else gives them back"


def _look_in_vain(connection: amqp.Connection) -> None:
    with DeadLetterReader(connection, DEAD) as browse:
        assert len(list(browse)) == 5
        raise Problem("the disk is full")

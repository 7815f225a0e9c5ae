"""At a terminal a person is asked first, and sees how far it is."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.contract.cli.dead_letter_user import DEAD, LANE, ROOT, DeadLetterUser

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(person: DeadLetterUser) -> Typed:
    """typed(answer, arguments…) runs `merchantroute dead …` at a terminal: its exit status, and the screen."""

    def at_terminal(answer: str, *arguments: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        env = {**os.environ, **person.place, "PYTHONPATH": str(ROOT / "worker"), "TERM": "xterm", "COLUMNS": "160"}
        command = [sys.executable, "-m", "merchantroute_worker.cli", "dead", *arguments]
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as child:
            os.close(theirs)
            os.write(ours, f"{answer}\n".encode())
            screen = b""
            try:
                while chunk := os.read(ours, 4096):
                    screen += chunk
            except OSError:  # Linux ends a terminal with EIO once nobody has it open
                os.close(ours)
            return child.wait(30), screen.decode(errors="replace")

    return at_terminal


def test_yes_replays_with_a_bar(person: DeadLetterUser, typed: Typed) -> None:
    person.bury(30)

    status, screen = typed("y", "replay", "--rate", "100/s")

    assert status == 0
    assert "replay 30 letters to mr.orders.pos.router (max-age 30)? [y/N]" in screen
    assert "30/30" in screen
    assert (person.ready(DEAD), person.ready(LANE)) == (0, 30)


@pytest.mark.parametrize("answer", ["n", ""])
@pytest.mark.parametrize("command", [["replay"], ["drop", "--all"]])
def test_anything_but_yes_changes_nothing(
    person: DeadLetterUser, typed: Typed, command: list[str], answer: str
) -> None:
    person.bury(3)

    status, screen = typed(answer, *command)

    assert status == 1
    assert "Aborted!" in screen
    assert (person.ready(DEAD), person.ready(LANE)) == (3, 0)

"""The table of dead letters, and the counts beneath it."""

import io

from rich.console import Console

from merchantroute_worker.cli.table import Newest, counted, letters, summary, table
from tests.unit.cli.dead_letter_samples import NOW, letter


def drawn(*summaries: dict[str, object]) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(table(summaries, now=NOW))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_row_says_order_merchant_reason_step_attempts_answer_and_age() -> None:
    head, row = drawn(summary(letter("o-1", merchant="bistro", reason="max-age", age=93_600)))

    assert head.split() == ["ORDER", "MERCHANT", "REASON", "STEP", "ATTEMPTS", "ANSWER", "PUBLISHED"]
    assert row.split() == ["o-1", "bistro", "max-age", "submit", "8", "5xx", "1d2h", "ago"]


def test_what_a_letter_does_not_say_is_a_dash() -> None:
    unsaid = {"mr-attempts": None, "mr-step": None, "mr-answer-class": None}

    _, row = drawn(summary(letter(None, merchant="", reason=None, age=None, headers=unsaid)))

    assert row.split() == ["-", "-", "unknown", "-", "-", "-", "-"]


def test_an_order_id_cannot_write_on_the_terminal_nor_be_read_as_markup() -> None:
    _, row = drawn(summary(letter("[red]\x1b[2J\x9b7m\n\u202eo", merchant="bistro")))

    assert row.startswith(r"[red]\x1b[2J\x9b7m\n\u202eo")


def test_the_newest_are_kept_and_all_are_counted() -> None:
    newest = Newest(3)
    for number, age in enumerate([50, 10, 40, 20, 30]):
        newest.add(letter(f"o-{number}", age=age, reason="max-age" if number else "malformed"))

    assert [each["order"] for each in newest.shown()] == ["o-1", "o-3", "o-4"]
    assert dict(newest.reasons) == {"max-age": 4, "malformed": 1}


def test_the_same_letters_are_shown_whatever_the_queue_s_order() -> None:
    dead = [letter(f"o-{number}", age=60) for number in range(9)]
    there, back = Newest(4), Newest(4)
    for each in dead:
        there.add(each)
    for each in reversed(dead):
        back.add(each)

    assert there.shown() == back.shown()


def test_none_or_all_may_be_kept() -> None:
    none, everything = Newest(0), Newest(None)
    for number in range(5):
        none.add(letter(f"o-{number}"))
        everything.add(letter(f"o-{number}"))

    assert (none.shown(), len(everything.shown())) == ([], 5)
    assert none.reasons.total() == 5


def test_counts_are_told_the_most_frequent_first() -> None:
    assert counted({"malformed": 1, "max-age": 2500, "expired": 1}) == "max-age 2,500, expired 1, malformed 1"
    assert [letters(0), letters(1), letters(2000)] == ["0 letters", "1 letter", "2,000 letters"]

"""One dead letter in full, with its secrets masked."""

import json

import pytest

from merchantroute_worker.cli.show import document, text
from tests.unit.cli.dead_letter_samples import JOURNAL, NOW, body, letter

SECRETS = {
    "authorization": "Bearer s3cr3t",
    "nested": {"api_key": "s3cr3t", "list": [{"Password": "s3cr3t"}]},
    "cardNumber": "s3cr3t",
    "callback": "https://user:s3cr3t@pos.example/orders",
}


def test_a_person_sees_reason_steps_headers_and_body() -> None:
    shown = text(letter("o-1", merchant="bistro", reason="attempts-exhausted", age=7200), now=NOW)

    for line in (
        "order o-1 of merchant bistro",
        "  reason           attempts-exhausted",
        "  last answer      5xx",
        "  published        2027-01-15T06:00:00Z, 2h ago",
        "journal: attempts 8, refusals 3; steps, x is done",
        "  [x] validate: POST /orders/validate",
        "  [ ] submit: POST /orders",
        "  mr-reason: attempts-exhausted",
    ):
        assert line in shown.splitlines()
    assert '"soup"' in shown


def test_a_step_that_nobody_knows_the_end_of_has_a_question_mark() -> None:
    shown = text(letter(content=body(journal={**JOURNAL, "unsure": ["submit"]})), now=NOW).splitlines()

    assert "journal: attempts 8, refusals 3; steps, x is done, ? is unsure" in shown
    assert "  [?] submit: POST /orders" in shown


def test_a_journal_that_a_producer_wrote_is_shown_as_its_own() -> None:
    shown = text(letter(headers={"mr-as-published": True}), now=NOW).splitlines()

    assert "journal (written by a producer, not believed): attempts 8, refusals 3; steps, x is done" in shown


def test_a_program_sees_the_same() -> None:
    told = document(letter("o-1", headers={"mr-first-published-at": round((NOW - 90_000) * 1000)}))

    assert (told["order"], told["firstPublishedAt"], told["journal"]) == ("o-1", "2027-01-14T07:00:00Z", JOURNAL)
    assert told["body"] == [[], {"order": {"items": ["soup"]}}, {}]


def test_secrets_of_headers_and_body_are_hidden() -> None:
    dead = letter(content=body(order={"items": ["soup"], **SECRETS}), headers=SECRETS)

    for shown in (text(dead, now=NOW), json.dumps(document(dead))):
        assert "s3cr3t" not in shown
        assert "soup" in shown
        assert "https://(hidden)@pos.example/orders" in shown


def test_celery_s_renderings_of_the_arguments_are_left_out() -> None:
    assert "s3cr3t" not in text(letter(headers={"kwargsrepr": "{'order': {'pin': 's3cr3t'}}"}), now=NOW)


@pytest.mark.parametrize(
    "content", [b'{"order": {"token": "s3cr3t", "soup', b"password=s3cr3t&soup", b"Authorization: s3cr3t\nsoup"]
)
def test_a_body_that_is_no_json_is_shown_as_text_without_its_secrets(content: bytes) -> None:
    shown = text(letter(content=content), now=NOW)

    assert "soup" in shown
    assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x1b[2J", b"[" * 100_000, b'"\\u001b[2J\\ud800"', b"[1,2,[]]", b"null"]
)
def test_no_body_breaks_it_or_reaches_the_terminal_raw(content: bytes) -> None:
    shown = text(letter(content=content, headers={"\x1b[2J": b"\xff", "deep": [{"\x07": None}]}), now=NOW)

    assert all(each.isprintable() or each == "\n" for each in shown)
    assert len(shown) < 5000
    shown.encode()


def test_a_letter_without_a_journal_says_so() -> None:
    assert "journal: none, no step was begun" in text(letter(content=body(journal=None)), now=NOW)

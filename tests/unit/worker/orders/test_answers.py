"""The meaning of a merchant's answers: done, retry or dead."""

import socket
import ssl

import pytest

from merchantroute_worker.calls.failures import failure
from merchantroute_worker.orders.answers import FAILURES, Answer, Meaning, Table, retry_after, table

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 201, 202, 204), Meaning.SUCCESS),
        ((408, 425, 429, 500, 502, 503, 504, 599), Meaning.AGAIN),
        ((401, 403), Meaning.DENIED),
        ((101, 301, 302, 304, 400, 404, 407, 409, 410, 422), Meaning.FINAL),
    ],
)
def test_statuses_are_done_again_later_or_final(statuses: tuple[int, ...], meaning: Meaning) -> None:
    assert {Table().meaning(Answer(status=status)) for status in statuses} == {meaning}


@pytest.mark.parametrize("kind", ["timeout", "refused", "reset", "tls", "dns"])
def test_no_answer_at_all_is_worth_another_try(kind: str) -> None:
    assert Table().meaning(Answer(failure=kind)) is Meaning.AGAIN
    assert Answer(failure=kind).label == kind


OWN = {"404": "Retry", "4xx": "Dead", "409": "Done", "429": "Dead", "503": "Dead", "3xx": "Retry", "tls": "Dead"}


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        # its own row
        (Answer(status=404), Meaning.AGAIN),
        (Answer(status=409), Meaning.SUCCESS),
        (Answer(status=429), Meaning.FINAL),
        (Answer(failure="tls"), Meaning.FINAL),
        # a default row for the very status is more specific than the route's for its class
        (Answer(status=408), Meaning.AGAIN),
        # the row of its class
        (Answer(status=422), Meaning.FINAL),
        (Answer(status=302), Meaning.AGAIN),
        # a status apart from its class, and the class as it was
        (Answer(status=503), Meaning.FINAL),
        (Answer(status=502), Meaning.AGAIN),
        (Answer(status=401), Meaning.DENIED),
        # untouched
        (Answer(status=200), Meaning.SUCCESS),
        (Answer(failure="timeout"), Meaning.AGAIN),
        (Answer(status=700), Meaning.FINAL),
    ],
)
def test_a_route_s_rows_change_the_table_and_the_most_specific_counts(answer: Answer, meaning: Meaning) -> None:
    assert table(OWN).meaning(answer) is meaning


@pytest.mark.parametrize(
    "rows",
    [
        {"soup": "Retry"}, {"40": "Retry"}, {"4x4": "Dead"}, {"404": "Perhaps"}, {"": "Dead"},
        # success stays success, and what is no answer is never success
        {"401": "Denied"}, {"200": "Dead"}, {"202": "Retry"}, {"2xx": "Retry"}, {"timeout": "Done"}, {"dns": "Done"},
    ],
)  # fmt: skip
def test_a_row_that_nothing_can_mean_is_refused(rows: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        table(rows)


def test_no_row_changes_what_becomes_of_a_call_that_may_not_be_made() -> None:
    forbidden = Answer(failure="forbidden")

    assert table({"timeout": "Dead"}).meaning(forbidden) is Meaning.FINAL
    assert not forbidden.leaves_doubt
    with pytest.raises(ValueError, match="forbidden"):
        table({"forbidden": "Retry"})


def test_only_what_never_reached_the_merchant_or_has_a_clear_answer_leaves_no_doubt() -> None:
    doubtful = {kind for kind in FAILURES if Answer(failure=kind).leaves_doubt}
    assert doubtful == {"timeout", "reset", "tls"}
    assert [status for status in (200, 302, 404, 409, 429, 500, 504) if Answer(status=status).leaves_doubt] == [
        500,
        504,
    ]


@pytest.mark.parametrize("own", ["Dead", "Retry", "Done"])
def test_a_route_s_own_row_for_a_refused_credential_counts_and_one_for_its_class_does_not(own: str) -> None:
    assert table({"401": own}).meaning(Answer(status=401)) is Meaning(own)
    assert table({"4xx": own}).meaning(Answer(status=403)) is Meaning.DENIED


@pytest.mark.parametrize(
    ("answer", "asks"),
    [
        (Answer(status=429), True),
        (Answer(status=503, retry_after=0.0), True),
        (Answer(status=500, retry_after=9.0), True),
        (Answer(status=503), False),
        (Answer(status=409, retry_after=9.0), False),
        (Answer(failure="timeout"), False),
    ],
)
def test_a_merchant_asks_for_time_by_a_429_or_a_server_error_with_retry_after(answer: Answer, asks: bool) -> None:
    assert answer.asks_to_wait is asks


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(status=200), True),
        (Answer(status=404), False),
        (Answer(status=410), False),
        (Answer(status=401), None),
        (Answer(status=503), None),
        (Answer(failure="timeout"), None),
    ],
)
def test_a_merchant_that_is_asked_says_yes_or_no_or_neither(answer: Answer, says: bool | None) -> None:
    assert answer.confirms is says


@pytest.mark.parametrize(
    ("status", "label"),
    [(200, "2xx"), (404, "4xx"), (429, "429"), (503, "5xx"), (302, "3xx"), (101, "1xx"), (700, "none")],
)
def test_answers_are_told_by_class(status: int, label: str) -> None:
    assert Answer(status=status).label == label


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ssl.SSLCertVerificationError("bad"), "tls"),
        (socket.gaierror(-2, "unknown"), "dns"),
        (ConnectionRefusedError(), "refused"),
        (ConnectionResetError(), "reset"),
        (BrokenPipeError(), "reset"),
        (TimeoutError(), "timeout"),
        (OSError(113, "no route to host"), "refused"),
    ],
)
def test_failures_are_told_apart(error: OSError, kind: str) -> None:
    assert failure(error) == kind


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("5", 5.0),
        (" 7 ", 7.0),
        ("soon", None),
        ("-1", None),
        ("²", None),
        ("9" * 400, 1e9),
        ("Fri, 15 Jan 2027 08:00:10 GMT", 10.0),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0.0),
        # the two obsolete formats of RFC 9110 that name no zone, or by a word: all are GMT
        ("Fri Jan 15 08:00:10 2027", 10.0),
        ("Friday, 15-Jan-27 08:00:10 GMT", 10.0),
        ("Fri, 15 Jan 2027 08:00:10 -0000", 10.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds

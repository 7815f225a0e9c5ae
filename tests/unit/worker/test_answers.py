"""What a merchant's answer means for the order."""

import socket
import ssl

import pytest

from merchantroute_worker.answers import Answer, Meaning, retry_after
from merchantroute_worker.calls import failure

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 201, 202, 204), Meaning.SUCCESS),
        ((408, 425, 429, 500, 502, 503, 504, 599), Meaning.AGAIN),
        ((101, 301, 302, 304, 400, 401, 403, 404, 409, 410, 422), Meaning.FINAL),
    ],
)
def test_statuses_are_done_again_later_or_final(statuses: tuple[int, ...], meaning: Meaning) -> None:
    assert {Answer(status=status).meaning for status in statuses} == {meaning}


@pytest.mark.parametrize("kind", ["timeout", "refused", "reset", "tls", "dns"])
def test_no_answer_at_all_is_worth_another_try(kind: str) -> None:
    assert Answer(failure=kind).meaning is Meaning.AGAIN
    assert Answer(failure=kind).label == kind


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
        ("Fri, 15 Jan 2027 08:00:10 GMT", 10.0),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds

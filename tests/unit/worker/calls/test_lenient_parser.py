"""Answers that RFC 9112 forbids, and that curl and Python's own HTTP client read."""

import pytest

from merchantroute_worker.calls.http_client import LONGEST_HEAD, HttpClient, Reply
from merchantroute_worker.calls.request import Origin, Request
from tests.unit.worker.calls.test_fuzz_responses import Pool

REQUEST = Request(origin=Origin("http", "x", 1), method="POST", head=b"", body=b"")
OK, LENGTH = b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n\r\nok"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
LATER = b"HTTP/1.1 503 Later\r\nRetry-After: 7\r\n"
FOLLOWED = [
    OK + LENGTH + b"ay",
    OK + LENGTH + b"\r\n\r\n",
    OK + LENGTH + OK + LENGTH,
    OK + LENGTH + b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n",
    OK + b"Connection: close\r\n" + LENGTH + b"<!-- x -->",
    b"HTTP/1.1 204 No Content\r\n\r\n{}",
    b"HTTP/1.1 204 No Content\r\n\r\nH",
    b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + LENGTH + b"ay",
]
FORBIDDEN = [
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    b"HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    CHUNKED + b"Content-Length: 12\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    OK + b"Content-Length: 2\r\n" + LENGTH,
    OK + b"X-Foo: a\r\n b\r\n" + LENGTH,
    OK + b"X-Foo : a\r\n" + LENGTH,
    OK + b"X-Foo: a\x01b\r\n" + LENGTH,
    OK + b"X-Foo: a\x00b\r\n" + LENGTH,
    OK + b"foo\r\n" + LENGTH,
    CHUNKED + b"\r\n2  \r\nok\r\n0\r\n\r\n",
]
INCOMPLETE = [
    b"HTTP/1.1 200",
    b"HTTP/1.1 200 OK\nContent-Length: 2",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n",
    b"HTTP/1.1 200 OK\nContent-Length: 3\n\nok",
    CHUNKED + b"Content-Length: 12\r\n\r\n2\r\nok\r\n",
    CHUNKED + b"\r\n2  \r\nok\r\n",
    CHUNKED + b"\r\n2\r\nok\r\n",
    b"SSH-2.0-OpenSSH\r\n",
    b"<html>ok</html>",
]


def read(said: list[bytes]) -> Reply:
    """The reply to a request whose merchant says these pieces and then closes."""
    return HttpClient(1)._once(Pool(said, False), REQUEST)  # type: ignore[arg-type]


def in_pieces(said: bytes) -> list[bytes]:
    return [said[at : at + 1] for at in range(len(said))]


@pytest.mark.parametrize("said", FOLLOWED)
def test_a_complete_answer_counts_whatever_follows_it(said: bytes) -> None:
    assert read([said]).status in {200, 204}


@pytest.mark.parametrize("said", FORBIDDEN)
def test_what_other_clients_read_is_read_however_it_comes(said: bytes) -> None:
    assert read([said]).status == 200
    assert read(in_pieces(said)).status == 200


def test_chunks_without_their_last_line_break_are_read_at_the_end() -> None:
    assert read([CHUNKED + b"\r\n2\r\nok\r\n0\r\n"]).status == 200


@pytest.mark.parametrize("said", INCOMPLETE)
def test_an_answer_that_ends_too_early_is_none_also_for_the_lenient_parser(said: bytes) -> None:
    for pieces in ([said], in_pieces(said)):
        with pytest.raises(ConnectionResetError):
            read(pieces)


@pytest.mark.parametrize("then", [b"Content-Length: 2\r\n\r\nokay", b"X-Foo : a\r\nContent-Length: 0\r\n\r\n"])
def test_such_an_answer_too_may_ask_to_be_called_later(then: bytes) -> None:
    assert read([LATER + then]) == Reply(503, "7")
    assert read([LATER + b"Retry-After: 8\r\n" + then]) == Reply(503, None)


def test_the_lenient_parser_reads_no_more_than_it_must() -> None:
    head = b"HTTP/1.1 200 OK\nX: y\n"

    assert read([head + b"\n", b"x" * LONGEST_HEAD]).status == 200
    assert read([head + b"Content-Length: 99999999\n\n"] + [b"x" * 1024] * 65).status == 200
    with pytest.raises(ConnectionResetError):
        read([head] + [b"X: y\n" * 200] * 70)

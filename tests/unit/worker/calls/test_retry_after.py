"""The Retry-After header, read from the bytes of a response."""

import pytest

from merchantroute_worker.calls.response_parser import HTTPParseError
from merchantroute_worker.calls.retry_after import MOST_HEADERS, retry_after_header

LATER = b"HTTP/1.1 429 Later\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\n"
CHUNKED = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        (LATER, "5"),
        (LATER + b"{}", "5"),
        (LATER + b"{}" + LATER, "5"),
        (b"HTTP/1.1 100 Go on\r\nRetry-After: 9\r\n\r\n" + LATER, "5"),
        (b"HTTP/1.1 103 Hints\r\nRetry-After: 9\r\n\r\nHTTP/1.1 500 No\r\n\r\n", None),
        (LATER.replace(b"Retry-After", b"retry-AFTER"), "5"),
        (LATER.replace(b": 5", b":"), ""),
        (LATER.replace(b"Content-Length", b"X:\r\nRetry-After: 6\r\nContent-Length"), None),
        (LATER.replace(b"Retry-After", b"X-Retry-After"), None),
        (CHUNKED + b"\r\n1\r\n{\r\n0\r\nRetry-After: 7\r\n\r\n", None),
        (CHUNKED + b"Retry-After: 4\r\n\r\n1\r\n{\r\n0\r\nRetry-After: 7\r\n\r\n", "4"),
    ],
)
def test_the_answer_s_own_header_counts_if_it_came_once(head: bytes, asked: str | None) -> None:
    assert retry_after_header(head) == asked


def test_more_headers_than_anybody_needs_are_no_answer() -> None:
    for many in (b"X: 1\r\n" * MOST_HEADERS, b"\r\nHTTP/1.1 100 Go on\r\n" * MOST_HEADERS):
        with pytest.raises(HTTPParseError, match="too many"):
            retry_after_header(b"HTTP/1.1 100 Go on\r\n" + many + b"\r\n")

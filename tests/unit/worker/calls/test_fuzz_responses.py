"""Any response of a merchant is read as a status or as a reset."""

import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from merchantroute_worker.calls import http_client
from merchantroute_worker.calls.http_client import HttpClient, Reply
from merchantroute_worker.calls.request import Origin, Request
from merchantroute_worker.orders.answers import Answer, Meaning, Table, retry_after
from merchantroute_worker.orders.ladder import after_attempt, after_refusal, before_eta
from tests.unit.worker.fuzz import FUZZ, TEXTS

PARTS = st.sampled_from([
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 503 x\r\n", b"HTTP/1.1 999 \r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n", b"Content-Length: 2\r\n", b"Content-Length: -1\r\n",
    b"Content-Length: 9999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Retry-After: 5\r\n", b"Retry-After: \xc2\xb2\r\n", b"Retry-After: \xff\r\n",
    b"Retry-After: 1\r\nRetry-After: 2\r\n", b"X: \xe4\x00\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n",
    b"\r\n", b"{}", b"2\r\n{}\r\n", b"0\r\n\r\n", b"ffffffffffffffff1\r\n", b" folded\r\n", b"no colon\r\n",
])  # fmt: skip
SAID = st.lists(PARTS | st.binary(max_size=20), max_size=8)
DELAYS = st.lists(st.integers(1, 10**9), min_size=1, max_size=5, unique=True).map(sorted)


class Connection:
    """A connection whose merchant says these pieces and then closes."""

    def __init__(self, said: list[bytes]) -> None:
        self.said = [piece for piece in said if piece]

    def send(self, data: bytes) -> int:
        """The merchant reads it."""
        return len(data)

    def recv(self, size: int) -> bytes:
        return self.said.pop(0)[:size] if self.said else b""

    def close(self) -> None:
        """There is no socket to close."""


class Pool:
    """A pool with one connection; `kept` says that it has served a request before."""

    def __init__(self, said: list[bytes], kept: bool) -> None:
        self.sock, self.kept = Connection(said), kept

    def wait_readable(self) -> None:
        """All bytes are there already."""

    def acquire(self, *, new: bool) -> "Pool":
        del new
        return self

    def release(self, connection: "Pool", *, keep: bool) -> None:
        """Do nothing with it."""


@FUZZ
@given(said=SAID, method=st.sampled_from(["GET", "POST"]), reused=st.booleans())
@example(said=[b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\n\r\n"], method="GET", reused=False)
def test_bytes_are_an_answer_or_a_reset(said: list[bytes], method: str, reused: bool) -> None:
    client = HttpClient(1)
    request = Request(origin=Origin(scheme="http", host="x", port=1), method=method, head=b"", body=b"")
    try:
        pool: Any = Pool(said, reused)
        reply = client._once(pool, request)
    except OSError:
        return
    assert isinstance(reply, Reply)
    answer = Answer(status=reply.status, retry_after=retry_after(reply.retry_after, now=0.0))
    assert isinstance(Table().meaning(answer), Meaning)


@FUZZ
@given(TEXTS | st.integers().map(str) | st.floats().map(str) | st.text("0123456789²³٣, :-+GMT", max_size=30))
@example("²")
@example("9" * 5000)
@example("Wed, 31 Dec 9999 23:59:59 -2359")
def test_a_retry_after_of_any_form_is_seconds_or_nothing(value: str) -> None:
    seconds = retry_after(value, now=1_700_000_000.0)

    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@FUZZ
@given(
    delays=DELAYS,
    count=st.integers(-3, 10**6),
    draw=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, allow_nan=False),
    eta=st.floats(allow_nan=False),
)
def test_every_wait_is_one_of_the_rungs(
    delays: list[int], count: int, draw: float, asked: float | None, eta: float
) -> None:
    assert after_attempt(count, delays, draw=draw, retry_after=asked) in delays
    assert after_refusal(count, delays) in delays
    assert before_eta(eta, delays) in delays


def test_the_client_reads_no_more_than_it_says() -> None:
    assert http_client.BLOCK < http_client.LONGEST_HEAD < http_client.LONGEST_ANSWER

"""Errors that the network reports once a request was sent."""

import errno
import socket
import ssl

import pytest

from merchantroute_worker.calls.failures import failure
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import Origin, Request
from merchantroute_worker.orders.answers import Answer
from tests.unit.worker.calls.test_fuzz_responses import Connection, Pool

REQUEST = Request(origin=Origin("http", "x", 1), method="POST", head=b"", body=b"")


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "reset"),
        (ConnectionRefusedError(), "reset"),
        (socket.gaierror(), "reset"),
        (BrokenPipeError(), "reset"),
        (TimeoutError(), "timeout"),
        (ssl.SSLError(), "tls"),
    ],
)
def test_an_error_after_sending_leaves_doubt(monkeypatch: pytest.MonkeyPatch, error: OSError, label: str) -> None:
    def recv(self: Connection, size: int) -> bytes:
        raise error

    monkeypatch.setattr(Connection, "recv", recv)
    with pytest.raises((ConnectionResetError, TimeoutError, ssl.SSLError)) as caught:
        HttpClient(1)._once(Pool([], False), REQUEST)  # type: ignore[arg-type]

    answer = Answer(failure=failure(caught.value))
    assert (answer.label, answer.leaves_doubt) == (label, True)

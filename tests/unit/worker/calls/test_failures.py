"""Failures in words."""

import errno
import socket
import ssl

import pytest

from merchantroute_worker.calls.failures import cause, failure
from merchantroute_worker.calls.request import Origin
from merchantroute_worker.orders.answers import MAX_CAUSE

ORIGIN = Origin("https", "pos.example", 443)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused (pos.example:443)"),
        (OSError(errno.EHOSTUNREACH, ""), "No route to host (pos.example:443)"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "Name or service not known (pos.example:443)",
        ),
        (ConnectionResetError("the answer is no HTTP"), "the answer is no HTTP (pos.example:443)"),
        (TimeoutError(), "TimeoutError (pos.example:443)"),
        (ssl.SSLError(), "TLS failed: SSLError (pos.example:443)"),
    ],
)
def test_a_failure_is_told_in_words_with_its_host(error: OSError, said: str) -> None:
    assert cause(failure(error), error, ORIGIN) == said


def test_words_are_one_line_of_bounded_length() -> None:
    said = cause("reset", ConnectionResetError("two\nlines\x00" + "x" * 1000), ORIGIN)

    assert said.startswith("two?lines?xxx")
    assert said.isprintable()
    assert len(said) == MAX_CAUSE


def test_an_ipv6_address_and_its_port_are_told_apart() -> None:
    said = cause("refused", ConnectionRefusedError(111, "Connection refused"), Origin("https", "2001:db8::1", 8443))

    assert said == "Connection refused ([2001:db8::1]:8443)"

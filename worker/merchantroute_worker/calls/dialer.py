"""Connects to one of the addresses of a host, as RFC 8305 orders them, one after the other with a bound each.

A host may have addresses of both families, and one of them may drop packets: its connect would last as long as the
call may, and the others would never be tried.
"""

import ssl
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

import gevent.socket

CONNECT_WAIT = 2.0
"""Seconds for one address while others are left: the second SYN goes out after one. The last has all of the call."""

KEEP_ALIVE = (
    (gevent.socket.SOL_SOCKET, gevent.socket.SO_KEEPALIVE, 1),
    (gevent.socket.IPPROTO_TCP, gevent.socket.TCP_KEEPIDLE, 20),
    (gevent.socket.IPPROTO_TCP, gevent.socket.TCP_KEEPINTVL, 10),
    (gevent.socket.IPPROTO_TCP, gevent.socket.TCP_KEEPCNT, 3),
)
"""TCP probes an idle connection after 20 s and gives it up after three probes without an answer.

A merchant that is gone without a word is noticed, and whatever stands between keeps the connection in mind.
"""


class Address(NamedTuple):
    """An address family and a socket address of it."""

    family: int
    address: tuple[Any, ...]


class Dialer:
    """Connects to one host, first to the address that worked last."""

    def __init__(self, wait: float = CONNECT_WAIT) -> None:
        self._wait = wait
        self._first: Address | None = None

    def connect(self, resolved: Sequence[Any], finish: Callable[[Any], Any]) -> Any:
        """Give a connected socket. `resolved` is what getaddrinfo says, `finish` makes TLS of the socket. OSError with
        each address and its error; ConnectionRefusedError where there are several and none of them failed in TLS.
        """
        addresses = in_order([Address(info[0], info[4]) for info in resolved], self._first)
        errors: list[tuple[Address, OSError]] = []
        for at, address in enumerate(addresses, 1):
            try:
                sock = _connect(address, self._wait if at < len(addresses) else None, finish)
            except OSError as error:
                errors.append((address, error))
            except BaseException:
                # The call's time-out: the next call begins where this one would have gone on.
                self._first = addresses[at % len(addresses)]
                raise
            else:
                self._first = address
                return sock
        raise _failure(errors)


def in_order(addresses: Sequence[Address], first: Address | None) -> list[Address]:
    """The addresses with their families in turns, in a circle that begins with `first` if it is among them."""
    families: dict[int, list[Address]] = {}
    for address in dict.fromkeys(addresses):
        families.setdefault(address.family, []).append(address)
    ordered = [address for address in chain(*zip_longest(*families.values())) if address is not None]
    at = ordered.index(first) if first in ordered else 0
    return ordered[at:] + ordered[:at]


def _connect(address: Address, wait: float | None, finish: Callable[[Any], Any]) -> Any:
    sock = gevent.socket.socket(address.family, gevent.socket.SOCK_STREAM)
    try:
        sock.settimeout(wait)
        sock.connect(address.address)
        sock.settimeout(None)
        for level, option, value in KEEP_ALIVE:
            sock.setsockopt(level, option, value)
        return finish(sock)
    except BaseException:
        sock.close()
        raise


def _failure(errors: list[tuple[Address, OSError]]) -> OSError:
    if not errors:
        return OSError("the host's name has no address")
    for _, error in errors:
        if isinstance(error, ssl.SSLError):
            return error
    said = "; ".join(f"{error.strerror or error} at {address.address[0]}" for address, error in errors)
    if len(errors) == 1:
        number = errors[0][1].errno
        return errors[0][1] if number is None else OSError(number, said)
    # Whatever the single errors are, nothing was sent to any of them.
    return ConnectionRefusedError(said)

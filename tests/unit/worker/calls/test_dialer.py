"""Which address of a host is connected to, with real sockets on the loopback."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import gevent
import pytest

from merchantroute_worker.calls.dialer import Address, Dialer, in_order

V4, V6 = socket.AF_INET, socket.AF_INET6


def address(number: int, family: int = V4) -> Address:
    return Address(family, (f"127.0.0.{number}" if family == V4 else f"fd00::{number}", 1))


@pytest.fixture
def network() -> Iterator["Network"]:
    with ExitStack() as sockets:
        yield Network(sockets)


class Network:
    """A port that 127.0.0.1 answers on, whose connects 127.0.0.2 drops, and that 127.0.0.3 refuses."""

    def __init__(self, sockets: ExitStack) -> None:
        good = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = good.getsockname()[1]
        # A listener whose queue is full drops the SYNs that come.
        full = sockets.enter_context(socket.create_server(("127.0.0.2", self.port), backlog=0))
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        self.sockets = sockets

    def dial(self, dialer: Dialer, *numbers: int) -> str:
        """Connect to one of these hosts of the loopback; gives the one that it was."""
        resolved = [(V4, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", self.port)) for number in numbers]
        sock = self.sockets.enter_context(dialer.connect(resolved, lambda sock: sock))
        host: Any = sock.getpeername()[0]
        return str(host)


def test_families_take_turns_from_the_address_that_worked() -> None:
    addresses = [address(1, V6), address(2, V6), address(3, V6), address(1), address(2)]
    turns = [address(1, V6), address(1), address(2, V6), address(2), address(3, V6)]

    assert in_order(addresses, None) == turns
    assert in_order(addresses, address(2)) == [*turns[3:], *turns[:3]]
    assert in_order(addresses, address(9)) == turns
    assert in_order(addresses * 2, None) == turns


def test_an_address_that_drops_packets_does_not_hide_the_next_one(network: Network) -> None:
    dialer = Dialer(wait=0.2)

    assert network.dial(dialer, 2, 1) == "127.0.0.1"
    assert dialer._first == Address(V4, ("127.0.0.1", network.port))


def test_a_call_that_ends_at_such_an_address_begins_with_the_next_one_later(network: Network) -> None:
    dialer = Dialer(wait=3600.0)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.2):
        network.dial(dialer, 2, 1)

    assert network.dial(dialer, 2, 1) == "127.0.0.1"


def test_the_kernel_probes_idle_connections(network: Network) -> None:
    sock = Dialer().connect([(V4, 0, 0, "", ("127.0.0.1", network.port))], lambda sock: sock)
    with sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 45


def test_an_address_that_refuses_is_passed_over(network: Network) -> None:
    assert network.dial(Dialer(), 3, 1) == "127.0.0.1"


def test_the_error_names_every_address(network: Network) -> None:
    with pytest.raises(ConnectionRefusedError, match=r"Connection refused at 127.0.0.3") as one:
        network.dial(Dialer(), 3)
    assert one.value.errno == errno.ECONNREFUSED

    with pytest.raises(ConnectionRefusedError, match=r"timed out at 127.0.0.2; Connection refused at 127.0.0.3"):
        network.dial(Dialer(wait=0.2), 2, 3)

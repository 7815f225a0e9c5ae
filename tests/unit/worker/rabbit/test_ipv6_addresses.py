"""Brokers at an IPv6 address: each way to connect reaches a server there."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import amqp
import pytest

from merchantroute_kit.servers.ports import loopbacks
from merchantroute_worker.client.connection import Connection
from merchantroute_worker.client.pending import Unconfirmed
from merchantroute_worker.rabbit.address import ERRORS, BrokerAddress
from merchantroute_worker.rabbit.connection import connect

IPV6 = "::1" in loopbacks()
HEADER = b"AMQP\x00\x00\x09\x01"  # what a client of AMQP 0-9-1 says first


def by_py_amqp(address: BrokerAddress) -> None:
    amqp.Connection(host=address.netloc, connect_timeout=10).connect()


def by_kombu(address: BrokerAddress) -> None:
    connect(address).connect()


def by_the_client(address: BrokerAddress) -> None:
    Connection(address, Unconfirmed(lambda *_: None)).connect()


@pytest.mark.parametrize("host", [*loopbacks(), *(("0:0::1", "::FFFF:127.0.0.1") if IPV6 else ())])
@pytest.mark.parametrize("way", [by_py_amqp, by_kombu, by_the_client])
def test_a_broker_at_an_address_is_reached(way: Callable[[BrokerAddress], None], host: str) -> None:
    heard: list[bytes] = []
    family = socket.AF_INET6 if IPV6 else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=IPV6) as server:

        def listen() -> None:
            sock: Any = server.accept()[0]
            server.close()  # kombu tries twice
            with sock:
                heard.append(sock.recv(len(HEADER)))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        with pytest.raises(ERRORS):
            way(BrokerAddress(host=host, port=server.getsockname()[1], username="a", password="b"))
        listener.join(10)

    assert heard == [HEADER]

"""Merchants at the level of bytes, and calls to them."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import gevent

from merchantroute_worker.calls.attempt import call_within
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import Origin, Request
from merchantroute_worker.egress.rules import Egress, Hosts
from merchantroute_worker.orders.answers import Answer

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Handler = Callable[[Any], None]
Serve = Callable[..., Origin]
HERE = Egress(allow=Hosts(ranges=(ip_network("127.0.0.0/8"), ip_network("::1"))))


SOON = 1.0  # seconds, for a call that is to meet its deadline; the others have time, whatever the machine is busy with


def call(
    client: HttpClient, origin: Origin, method: str = "GET", *, repeatable: bool = False, within: float = 30.0
) -> Answer:
    head = f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    request = Request(origin=origin, method=method, head=head, body=b"", repeatable=repeatable, egress=HERE)
    return call_within(client, request, within)


def saying(*parts: bytes, then: str = "close") -> Handler:
    """Answer every request of a connection with these bytes, then close, keep or hang."""

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            for part in parts:
                sock.sendall(part)
            if then == "close":
                return
            if then == "hang":
                gevent.sleep(3600)

    return handler

"""Merchants at an absolute name, which ends in a dot."""

import ssl
from pathlib import Path
from typing import Any

import gevent.socket
import pytest

from merchantroute_worker.calls.attempt import call_within
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import build
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.step import Step
from tests.unit.worker.samples import order
from tests.worker.patched.raw_merchant import GOOD, HERE, Serve
from tests.worker.patched.test_http_client import self_signed

POST = Step(name="submit", method="POST", path="/orders")


class Heard:
    """A merchant that keeps the request it got, and the name that TLS asked for."""

    request = b""
    name: str | None = None

    def __call__(self, sock: Any) -> None:
        self.request = sock.recv(65536)
        sock.sendall(GOOD)

    def asked_for(self, _sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        """OpenSSL's callback with the name of a handshake."""
        self.name = name


def post(client: HttpClient, endpoint: str) -> Answer:
    merchant = Merchant(id="bistro", endpoint=endpoint)
    request = build(POST, order(), merchant, attempt=1, insecure_hosts=("*",), egress=HERE)
    return call_within(client, request, 5.0)


def test_the_dot_of_an_absolute_name_is_in_no_handshake(
    serve: Serve, client: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = self_signed(tmp_path, "DNS:pos.example", 1)
    heard, context = Heard(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = heard.asked_for
    origin = serve(heard, ssl_context=context)
    client._pools._tls = ssl.create_default_context(cafile=str(certificate))
    usual, resolved = gevent.socket.getaddrinfo, []

    def getaddrinfo(host: str, *rest: Any, **more: Any) -> Any:
        resolved.append(host)
        return usual("127.0.0.1", *rest, **more)

    monkeypatch.setattr(gevent.socket, "getaddrinfo", getaddrinfo)

    answer = post(client, f"https://pos.example.:{origin.port}/v1")

    assert answer.status == 200, answer.text
    assert (resolved, heard.name) == (["pos.example."], "pos.example")
    assert f"\r\nHost: pos.example.:{origin.port}\r\n".encode() in heard.request

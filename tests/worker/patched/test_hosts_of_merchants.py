"""Merchants at addresses of IPv4 and IPv6, in a process patched as production is."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from merchantroute_kit.servers.ports import loopbacks
from merchantroute_worker.calls.attempt import call_within
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import build
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.step import Step
from tests.unit.worker.samples import order
from tests.worker.patched.raw_merchant import GOOD, HERE, Handler, Serve
from tests.worker.patched.test_http_client import self_signed

STEP = Step(name="submit", method="POST", path="/orders")


def noting(heads: list[str]) -> Handler:
    """Answer each request well, and note its head."""

    def handler(sock: Any) -> None:
        while said := sock.recv(65536):
            heads.append(said.decode().partition("\r\n\r\n")[0])
            sock.sendall(GOOD)

    return handler


def called(client: HttpClient, endpoint: str) -> Answer:
    """The answer to a step of an order of the merchant with this endpoint."""
    merchant = Merchant(id="bistro", endpoint=endpoint)
    request = build(STEP, order(), merchant, attempt=1, insecure_hosts=("*",), egress=HERE)
    return call_within(client, request, 10.0)


def url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"


@pytest.mark.parametrize("host", loopbacks())
def test_a_merchant_is_called_at_its_address(serve: Serve, client: HttpClient, host: str) -> None:
    heads: list[str] = []
    port = serve(noting(heads), host).port

    assert called(client, url("http", host, port)).status == 200
    assert f"Host: {url('', host, port)[3:-3]}" in heads[0].split("\r\n")


@pytest.mark.parametrize("host", loopbacks())
def test_the_certificate_of_an_address_is_checked(serve: Serve, client: HttpClient, tmp_path: Path, host: str) -> None:
    key, certificate = self_signed(tmp_path, f"IP:{host}", 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    client._pools._tls = ssl.create_default_context(cafile=str(certificate))

    good = called(client, url("https", host, serve(noting([]), host, ssl_context=context).port))
    other = called(client, url("https", "localhost", serve(noting([]), ssl_context=context).port))

    assert good.status == 200, good.text
    assert other.failure == "tls"

"""The HTTP client against servers that misbehave at the level of bytes, in a process patched as production is."""

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import pytest
from gevent.server import StreamServer

from merchantroute_kit.waiting import until
from merchantroute_worker.calls.attempt import call_within
from merchantroute_worker.calls.http_client import BLOCK, LONGEST_ANSWER, HttpClient
from merchantroute_worker.calls.request import Origin, Request
from merchantroute_worker.orders.answers import Answer

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Handler = Callable[[Any], None]
Serve = Callable[..., Origin]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a handler, which gets each connection's socket, on a port of its own."""
    with ExitStack() as running:

        def start(handler: Handler, **tls: Any) -> Origin:
            server = StreamServer(("127.0.0.1", 0), lambda sock, _: handler(sock), **tls)
            server.start()
            running.callback(server.stop, timeout=0)
            return Origin(scheme="https" if tls else "http", host="127.0.0.1", port=server.server_port)

        yield start


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(2)
    yield made
    made.close()


def call(client: HttpClient, origin: Origin, method: str = "GET", *, repeatable: bool = False) -> Answer:
    head = f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    request = Request(origin=origin, method=method, head=head, body=b"", repeatable=repeatable)
    return call_within(client, request, 1.0)


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


def self_signed(folder: Path, name: str, days: int) -> tuple[Path, Path]:
    """A key and a certificate for this name that ends in so many days, in files."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = ["-subj", "/CN=merchant", "-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made], check=True, timeout=60)
    signed = ["-in", str(certificate), "-signkey", str(key), "-days", str(days), "-out", str(certificate)]
    subprocess.run(["openssl", "x509", *signed], check=True, timeout=60)
    return key, certificate


def drip(text: bytes) -> Handler:
    def handler(sock: Any) -> None:
        sock.recv(65536)
        for byte in text:
            sock.sendall(bytes([byte]))
            gevent.sleep(0.1)

    return handler


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        (saying(GOOD), 200),
        (saying(b"HTTP/1.1 100 Continue\r\n\r\n", GOOD), 200),
        (saying(b"HTTP/1.1 204 No Content\r\n\r\n", then="keep"), 204),
        (saying(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"), 200),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", then="keep"), 200),
        (saying(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"), 302),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * (2 * LONGEST_ANSWER), then="hang"), 200),
    ],
)
def test_whatever_form_an_answer_has_its_status_is_understood(
    serve: Serve, client: HttpClient, handler: Handler, status: int
) -> None:
    assert call(client, serve(handler)).status == status


def test_a_merchant_asks_to_be_called_later_however_its_headers_come(serve: Serve, client: HttpClient) -> None:
    head = (
        b"HTTP/1.1 429 Later\r\nX-Long: " + b"y" * (3 * BLOCK) + b"\r\nRetry-Af",
        b"ter: 7\r\nContent-Length: 0\r\n\r\n",
    )

    for parts in (head, (b"HTTP/1.1 100 Continue\r\n\r\n", b"".join(head)), (b"".join(head).replace(b"429", b"503"),)):
        assert call(client, serve(saying(*parts, then="keep"))).retry_after == 7


@pytest.mark.parametrize(
    "handler",
    [
        lambda sock: sock.close(),
        saying(b"HTTP/1.1 200"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
        saying(b"SSH-2.0-OpenSSH\r\n"),
        saying(b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * (LONGEST_ANSWER // 8), then="hang"),
    ],
)
def test_an_answer_that_is_none_is_a_reset(serve: Serve, client: HttpClient, handler: Handler) -> None:
    answer = call(client, serve(handler))

    assert answer.failure == "reset"
    said = ("the merchant closed the connection", "the merchant's answer is no HTTP: ", "Connection reset by peer")
    assert answer.text.startswith(said)


@pytest.mark.parametrize(
    "handler",
    [
        lambda _: gevent.sleep(3600),
        saying(b"HTTP/1.1 200 OK\r\n", then="hang"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", then="hang"),
        drip(GOOD * 100),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900),
    ],
)
def test_the_deadline_is_total(serve: Serve, client: HttpClient, handler: Handler) -> None:
    began = time.monotonic()

    answer = call(client, serve(handler))

    assert answer.failure == "timeout"
    assert 1.0 <= time.monotonic() - began < 10.0


def test_a_deadline_holds_within_the_tls_handshake_too(serve: Serve, client: HttpClient) -> None:
    origin = serve(lambda _: gevent.sleep(3600))

    answer = call(client, Origin(scheme="https", host=origin.host, port=origin.port))

    assert answer.failure == "timeout"


@pytest.mark.parametrize(
    ("name", "days", "known", "said"),
    [
        ("IP:127.0.0.1", 1, False, "self-signed certificate"),
        ("IP:127.0.0.1", -1, True, "certificate has expired"),
        ("DNS:pos.example", 1, True, "IP address mismatch"),
    ],
)
def test_a_certificate_that_is_not_valid_is_refused_and_told_why(
    serve: Serve, client: HttpClient, tmp_path: Path, name: str, days: int, known: bool, said: str
) -> None:
    key, certificate = self_signed(tmp_path, name, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    origin = serve(saying(GOOD), ssl_context=context)
    if known:
        client._pools._tls = ssl.create_default_context(cafile=str(certificate))

    answer = call(client, origin)

    assert answer.failure == "tls"
    assert answer.text.startswith("the merchant's certificate is not valid: ")
    assert said in answer.text


def test_nobody_there_is_refused_and_no_such_name_is_dns(client: HttpClient) -> None:
    refused = call(client, Origin(scheme="http", host="127.0.0.1", port=1))
    assert (refused.failure, refused.text) == ("refused", "Connection refused at 127.0.0.1 (127.0.0.1:1)")
    assert call(client, Origin(scheme="http", host="no-such-host.invalid", port=80)).failure in {"dns", "timeout"}


def test_connections_are_kept_and_a_time_out_costs_one(serve: Serve, client: HttpClient) -> None:
    connections: list[int] = []
    hang = [False]

    def handler(sock: Any) -> None:
        connections.append(1)
        while sock.recv(65536):
            if hang[0]:
                gevent.sleep(3600)
            sock.sendall(GOOD)

    origin = serve(handler)
    assert [call(client, origin).status for _ in range(5)] == [200] * 5
    assert len(connections) == 1

    hang[0] = True
    assert call(client, origin).failure == "timeout"
    hang[0] = False

    assert call(client, origin).status == 200
    assert len(connections) == 2


def dying(seen: list[bytes], then: Callable[[], None] = lambda: None) -> Handler:
    """Answer the first request; read the second one on its connection, and close that without a byte of an answer."""

    def handler(sock: Any) -> None:
        while data := sock.recv(65536):
            seen.append(data)
            if len(seen) == 2:
                then()
                return
            sock.sendall(GOOD)

    return handler


def test_a_request_that_the_merchant_may_have_read_is_not_sent_again(serve: Serve, client: HttpClient) -> None:
    seen: list[bytes] = []
    origin = serve(dying(seen))
    assert call(client, origin, "POST").status == 200

    answer = call(client, origin, "POST")

    assert answer.leaves_doubt
    assert (answer.failure, len(seen)) == ("reset", 2)
    assert call(client, origin, "POST").status == 200


def test_a_repeatable_request_is_sent_once_more_after_a_kept_connection(serve: Serve, client: HttpClient) -> None:
    seen: list[bytes] = []
    origin = serve(dying(seen))

    assert [call(client, origin, repeatable=True).status for _ in range(2)] == [200, 200]
    assert len(seen) == 3


def test_what_was_sent_leaves_doubt_also_when_sending_it_again_reaches_nobody(client: HttpClient) -> None:
    seen: list[bytes] = []
    server: StreamServer = StreamServer(("127.0.0.1", 0), lambda sock, _: dying(seen, server.close)(sock))
    server.start()
    origin = Origin(scheme="http", host="127.0.0.1", port=server.server_port)
    assert call(client, origin).status == 200

    answer = call(client, origin, repeatable=True)

    assert (answer.failure, answer.leaves_doubt, len(seen)) == ("reset", True, 2)


def test_a_kept_connection_that_is_known_to_be_closed_is_replaced(serve: Serve, client: HttpClient) -> None:
    seen: list[bytes] = []
    closed = gevent.event.Event()

    def handler(sock: Any) -> None:
        seen.append(sock.recv(65536))
        sock.sendall(GOOD)
        sock.close()
        closed.set()

    origin = serve(handler)
    for _ in range(2):
        closed.clear()
        assert call(client, origin, "POST").status == 200
        assert closed.wait(10)

    assert len(seen) == 2


def test_a_merchant_that_closed_all_its_kept_connections_is_called_on_a_new_one(serve: Serve) -> None:
    client = HttpClient(3)
    close, together = gevent.event.Event(), gevent.event.Event()
    first: list[int] = []

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            if len(first) < 3:
                first.append(1)
                together.wait(10)
                sock.sendall(GOOD)
                close.wait(10)
                return
            sock.sendall(GOOD)

    origin = serve(handler)
    calls = [gevent.spawn(call, client, origin, "POST") for _ in range(3)]
    until(lambda: len(first) == 3, "three connections")
    together.set()
    assert [one.get(10).status for one in calls] == [200] * 3

    close.set()

    assert call(client, origin, repeatable=True).status == 200
    client.close()


def test_a_merchant_that_always_closes_gets_each_request_once(serve: Serve, client: HttpClient) -> None:
    requests: list[int] = []

    def handler(sock: Any) -> None:
        sock.recv(65536)
        requests.append(1)

    assert call(client, serve(handler)).failure == "reset"
    assert len(requests) == 1


def test_idle_pools_are_closed(serve: Serve) -> None:
    now = [0.0]
    closed: list[int] = []

    def handler(sock: Any) -> None:
        while sock.recv(65536):
            sock.sendall(GOOD)
        closed.append(1)

    client = HttpClient(2, clock=lambda: now[0])
    call(client, serve(handler))
    now[0] = 61.0
    client.reap()

    with gevent.Timeout(10):
        while not closed:
            gevent.sleep(0.01)

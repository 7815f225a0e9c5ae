"""The HTTP client against servers that misbehave at the level of bytes, in a process patched as production is."""

import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import gevent
import pytest

from merchantroute_worker.calls.http_client import BLOCK, LONGEST_ANSWER, HttpClient
from merchantroute_worker.calls.request import Origin
from tests.worker.patched.raw_merchant import GOOD, SOON, Handler, Serve, call, saying


def self_signed(folder: Path, name: str, days: int) -> tuple[Path, Path]:
    """A key and a certificate for this name that ends in so many days, in files."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = ["-subj", "/CN=merchant", "-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made], check=True, timeout=60)
    signed = ["-in", str(certificate), "-signkey", str(key), "-days", str(days), "-out", str(certificate)]
    subprocess.run(["openssl", "x509", *signed], check=True, timeout=60)
    return key, certificate


def signed_without_identifiers(folder: Path) -> tuple[Path, Path, Path]:
    """A key and a certificate for 127.0.0.1, and its authority's: none of them says which key signed it."""
    settings = folder / "openssl.cnf"
    settings.write_text(
        "[req]\ndistinguished_name = name\n[name]\n"
        "[authority]\nbasicConstraints = critical,CA:TRUE\nsubjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n"
        "[merchant]\nsubjectAltName = IP:127.0.0.1\nsubjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n"
    )

    def certificate(name: str, *more: str) -> tuple[Path, Path]:
        key, made = folder / f"{name}.key", folder / f"{name}.pem"
        options = ["-config", str(settings), "-extensions", name, "-subj", f"/CN={name}", "-days", "1", *more]
        files = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(made)]
        subprocess.run(["openssl", "req", "-x509", *options, *files], check=True, timeout=60)
        return key, made

    authority_key, authority = certificate("authority")
    key, made = certificate("merchant", "-CA", str(authority), "-CAkey", str(authority_key))
    return key, made, authority


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

    answer = call(client, serve(handler), within=SOON)

    assert answer.failure == "timeout"
    assert SOON <= time.monotonic() - began < 10 * SOON


def test_a_deadline_holds_within_the_tls_handshake_too(serve: Serve, client: HttpClient) -> None:
    origin = serve(lambda _: gevent.sleep(3600))

    answer = call(client, Origin(scheme="https", host=origin.host, port=origin.port), within=SOON)

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


def test_a_certificate_whose_authority_writes_no_key_identifiers_is_taken(
    serve: Serve, client: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13's own contexts refuse it: its flags are set here whatever Python this is."""
    key, certificate, authority = signed_without_identifiers(tmp_path)
    usual = gevent.ssl.create_default_context

    def of_python_3_13(**_: Any) -> ssl.SSLContext:
        context = usual(cafile=str(authority))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(gevent.ssl, "create_default_context", of_python_3_13)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    answer = call(client, serve(saying(GOOD), ssl_context=context))

    assert answer.status == 200, answer.text


def test_nobody_there_is_refused_and_no_such_name_is_dns(client: HttpClient) -> None:
    refused = call(client, Origin(scheme="http", host="127.0.0.1", port=1))
    assert (refused.failure, refused.text) == ("refused", "Connection refused at 127.0.0.1 (127.0.0.1:1)")
    assert call(client, Origin(scheme="http", host="no-such-host.invalid", port=80), within=SOON).failure in {
        "dns",
        "timeout",
    }

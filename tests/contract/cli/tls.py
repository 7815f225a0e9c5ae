"""A broker behind TLS: a relay on a loopback port, with a certificate for a name that need not be its address."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread


@dataclass(frozen=True)
class Relay:
    """Its port on 127.0.0.1, and the authority (a file) that its certificate is checked against."""

    port: int
    ca: Path


@contextmanager
def tls_relay(folder: Path, name: str, host: str, port: int) -> Iterator[Relay]:
    """Relays to host:port for the time of the block; the certificate bears `name`."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate,
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True,
        capture_output=True,
        timeout=60,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        Thread(target=_serve, args=(server, context, (host, port), stack), daemon=True).start()
        yield Relay(server.getsockname()[1], certificate)
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, context: ssl.SSLContext, target: tuple[str, int], stack: ExitStack) -> None:
    with suppress(OSError):
        while True:
            near, _ = server.accept()
            try:
                inner = context.wrap_socket(near, server_side=True)
            except OSError:  # whoever does not trust the certificate hangs up
                near.close()
                continue
            outer = socket.create_connection(target)
            stack.callback(inner.close)
            stack.callback(outer.close)
            for source, sink in ((inner, outer), (outer, inner)):
                Thread(target=_pass, args=(source, sink), daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)

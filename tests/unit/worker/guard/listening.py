"""A server of this machine that counts who connects, and notes what they ask for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class Listening:
    """What has come: connections by their count, requests by path and `Host`, names in TLS."""

    def __init__(self) -> None:
        self.connections = 0
        self.hosts: list[str] = []
        self.names: list[str | None] = []
        self.redirect_to = ""
        self.port = 0


@contextmanager
def listening(host: str = "127.0.0.1", port: int = 0, certificate: Path | None = None) -> Iterator[Listening]:
    """Serve GETs there, with TLS by a certificate and the key beside it."""
    seen = Listening()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.hosts.append(self.headers["Host"])
            self.send_response(302 if seen.redirect_to else 200)
            if seen.redirect_to:
                self.send_header("Location", seen.redirect_to)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> Any:
            seen.connections += 1
            return super().get_request()

        def handle_error(self, *_: Any) -> None:
            """Who connects may go again."""

    server = Server((host, port), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))

        def note(_sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            seen.names.append(name)

        context.sni_callback = note
        server.socket = context.wrap_socket(server.socket, server_side=True)
    seen.port = server.server_port
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

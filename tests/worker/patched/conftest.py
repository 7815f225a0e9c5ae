"""A port to serve on for each test, and a client."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gevent.server import StreamServer

from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import Origin
from tests.worker.patched.raw_merchant import Handler, Serve


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a handler, which gets each connection's socket, on a port of its own."""
    with ExitStack() as running:

        def start(handler: Handler, host: str = "127.0.0.1", **tls: Any) -> Origin:
            server = StreamServer((host, 0), lambda sock, _: handler(sock), **tls)
            server.start()
            running.callback(server.stop, timeout=0)
            return Origin(scheme="https" if tls else "http", host=host, port=server.server_port)

        yield start


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(2)
    yield made
    made.close()

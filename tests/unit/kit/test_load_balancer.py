"""The load balancer passes over a server that refuses or closes, and not over one that is silent, as a Service does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from merchantroute_kit.servers.load_balancer import LoadBalancer
from merchantroute_kit.servers.ports import free_port


def serving(stack: ExitStack, answer: bytes | None) -> int:
    """A server that says this to whatever it hears and then hears the end; None: it closes at once."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    if answer is None:
                        continue
                    while heard := client.recv(1024):
                        client.sendall(answer + heard)

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def balanced(stack: ExitStack, *backends: int) -> int:
    """The port in front of these."""
    balancer = LoadBalancer(list(backends))
    stack.callback(balancer.close)
    return balancer.ports[0]


def test_every_connection_comes_to_one_that_answers(stack: ExitStack) -> None:
    port = balanced(stack, free_port(), serving(stack, None), serving(stack, b"first "), serving(stack, b"second "))
    heard = set()
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"hello")
            greeted = client.recv(1024)
            client.sendall(b"again")
            assert client.recv(1024) == greeted.replace(b"hello", b"again")  # it stays where it is
            heard.add(greeted)
    assert heard == {b"first hello", b"second hello"}


def test_one_that_is_silent_gets_connections_and_keeps_them(stack: ExitStack) -> None:
    silent = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
    port = balanced(stack, silent.getsockname()[1])
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    client.sendall(b"hello")
    reached = stack.enter_context(closing(silent.accept()[0]))
    assert reached.recv(1024) == b"hello"
    client.close()
    assert reached.recv(1024) == b""


def test_none_that_answers_is_a_connection_that_is_closed(stack: ExitStack) -> None:
    port = balanced(stack, free_port(), serving(stack, None))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"hello")
        with suppress(ConnectionResetError):
            assert client.recv(1024) == b""

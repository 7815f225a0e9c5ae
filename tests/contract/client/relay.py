"""A TCP relay in front of the broker, of the test's own: it can be absent, fall silent, swallow answers, and be cut."""

import select
import socket
import ssl
import threading
from contextlib import suppress


class Relay:
    """Listens on `port` of loopback. `target` None: it accepts and never answers a byte. `tls` is its clients'."""

    def __init__(self, target: tuple[str, int] | None, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._tls = tls
        self._answers = threading.Event()
        self._answers.set()
        self._sockets: list[socket.socket] = []
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow_answers(self) -> None:
        """From now on nothing that the broker says reaches the client."""
        self._answers.clear()

    def pass_answers(self) -> None:
        """New connections hear the broker again."""
        self._answers.set()

    def cut(self) -> None:
        """Close every connection there is."""
        cut, self._sockets = self._sockets, []
        for sock in cut:
            _close(sock)

    def close(self) -> None:
        """Be gone: connections are cut, new ones refused."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                self._sockets.append(client)
                if self._target:
                    with suppress(ssl.SSLError):
                        self._join(client, self._target)

    def _join(self, client: socket.socket, target: tuple[str, int]) -> None:
        if self._tls:
            client = self._tls.wrap_socket(client, server_side=True)
            self._sockets.append(client)
        broker = socket.create_connection(target)
        self._sockets.append(broker)
        threading.Thread(target=self._pump, args=(client, broker), daemon=True).start()

    def _pump(self, client: socket.socket, broker: socket.socket) -> None:
        """Both ways in one thread: two of them must not use one TLS socket."""
        with suppress(OSError, ValueError):
            while True:
                buffered = isinstance(client, ssl.SSLSocket) and client.pending()
                ready, _, _ = select.select([client, broker], [], [], 0 if buffered else None)
                if buffered or client in ready:
                    _pass_on(client, broker)
                if broker in ready:
                    _pass_on(broker, client if self._answers.is_set() else None)
        _close(client)
        _close(broker)


def _pass_on(source: socket.socket, sink: socket.socket | None) -> None:
    data = source.recv(65536)
    if not data:
        raise ConnectionResetError("the other side has gone")
    if sink:
        sink.sendall(data)


def _close(sock: socket.socket) -> None:
    with suppress(OSError):
        # A close alone leaves a thread in accept or recv where it is.
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()

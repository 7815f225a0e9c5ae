"""A TCP relay in front of the broker, of the test's own: it can be absent, fall silent, swallow answers, and be cut."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Listens on `port` of loopback. `target` None: it accepts and never answers a byte."""

    def __init__(self, target: tuple[str, int] | None, port: int = 0) -> None:
        self._target = target
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
                    self._join(client, socket.create_connection(self._target))

    def _join(self, client: socket.socket, broker: socket.socket) -> None:
        self._sockets.append(broker)
        threading.Thread(target=self._pump, args=(client, broker, None), daemon=True).start()
        threading.Thread(target=self._pump, args=(broker, client, self._answers), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, gate: threading.Event | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if gate is None or gate.is_set():
                    sink.sendall(data)
        _close(source)
        _close(sink)


def _close(sock: socket.socket) -> None:
    with suppress(OSError):
        # A close alone leaves a thread in accept or recv where it is.
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()

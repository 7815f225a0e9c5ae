"""A name server whose answers change from one question to the next, as one that rebinds its names has it (UDP)."""

import socket
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from threading import Thread

A, AAAA = 1, 28
_FAMILIES = {A: socket.AF_INET, AAAA: socket.AF_INET6}
_NO_SUCH_NAME = 3
_POINTER = b"\xc0\x0c"  # to the question's name (RFC 1035, 4.1.4)


class NameServer:
    """Serves in a thread on `port`. `answers` has a name's addresses for the first question, the second, and so on; the
    last of them are for all that follow. Other names do not exist. `asked` counts questions by name and type.
    """

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.answers = dict(answers)
        self.asked: Counter[tuple[str, int]] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self._answer(data), sender)

    def _answer(self, data: bytes) -> bytes:
        name, end = _name(data)
        (kind,) = struct.unpack_from(">H", data, end)
        turn = self.asked[name, kind]
        self.asked[name, kind] += 1
        rounds = self.answers.get(name)
        found = rounds[min(turn, len(rounds) - 1)] if rounds else ()
        records = [packed for each in found if (packed := _packed(each, kind)) is not None]
        flags = 0x8180 if rounds else 0x8180 | _NO_SUCH_NAME
        head = data[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        body = b"".join(_POINTER + struct.pack(">HHIH", kind, 1, 0, len(each)) + each for each in records)
        return head + data[12 : end + 4] + body


def _name(data: bytes) -> tuple[str, int]:
    """The question's name in lower case, and where its type begins."""
    labels, at = [], 12
    while length := data[at]:
        labels.append(data[at + 1 : at + 1 + length].decode("latin-1").lower())
        at += 1 + length
    return ".".join(labels), at + 1


def _packed(address: str, kind: int) -> bytes | None:
    """The address as a record of this type; None where it is of the other family, or the type of another thing."""
    if kind not in _FAMILIES or (":" in address) != (kind == AAAA):
        return None
    return socket.inet_pton(_FAMILIES[kind], address)

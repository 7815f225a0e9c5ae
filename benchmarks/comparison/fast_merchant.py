"""The merchants: one process that answers 2 kB of JSON after so many milliseconds, and keeps the book.

`python -m benchmarks.efficiency.merchant PORT`, in the contenders' environment (uvloop). It knows no more of HTTP than
the contenders say, so that it is never what they wait for: a head, `Content-Length`, `Idempotency-Key`, keep-alive.

Switchboard: POST /admin/reset {"latency": seconds} begins a run, POST /admin/window begins a window, GET /admin/look
gives the figures so far, GET /admin/book the receipts of each order.
"""

import asyncio
import json
import resource
import sys
from typing import Any

import uvloop

from benchmarks.efficiency.book import Book

_BODY = json.dumps({"status": "accepted", "ticket": 4711, "note": "x" * 2000})
ANSWER = (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n{_BODY}").encode()
_END = b"\r\n\r\n"


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, book: Book, loop: asyncio.AbstractEventLoop) -> None:
        self.book = book
        self.loop = loop
        self.buffer = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take every request that is whole."""
        buffer = self.buffer + data if self.buffer else data
        while (end := buffer.find(_END)) >= 0:
            head, size = buffer[:end], end + 4
            if not head.startswith(b"GET"):
                size += int(_field(head, b"\r\nContent-Length: "))
            if len(buffer) < size:
                break
            self._request(head, buffer[end + 4 : size])
            buffer = buffer[size:]
        self.buffer = buffer

    def _request(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/admin/"):
            document = json.dumps(_admin(self.book, path, body)).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(document), document))
            return
        order, step, received, seconds = self.book.receive(_field(head, b"\r\nIdempotency-Key: "))
        self.loop.call_later(seconds, self._answer, self.book.run, order, step, received)

    def _answer(self, run: int, order: bytes, step: int, received: float) -> None:
        self.book.answer(run, order, step, received)
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


def _admin(book: Book, path: bytes, body: bytes) -> dict[str, Any]:
    """One call of the switchboard."""
    if path == b"/admin/reset":
        book.reset(json.loads(body)["latency"])
    elif path == b"/admin/window":
        book.begin()
    elif path == b"/admin/book":
        return {"orders": {order.decode(): receipts for order, receipts in book.orders.items()}, "took": book.took}
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {**book.look(), "cpu": used.ru_utime + used.ru_stime}


def _field(head: bytes, name: bytes) -> bytes:
    begin = head.index(name) + len(name)
    end = head.find(b"\r\n", begin)
    return head[begin:] if end < 0 else head[begin:end]


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    book = Book(loop.time)
    server = await loop.create_server(lambda: Line(book, loop), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_serve(int(sys.argv[1])))

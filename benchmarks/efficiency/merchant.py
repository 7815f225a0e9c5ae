"""The merchants: one process that answers 2 kB of JSON after so many milliseconds, and keeps the book.

`python -m benchmarks.efficiency.merchant PORT`, in the contenders' environment (uvloop). It knows no more of HTTP than
the contenders say, so that it is never what they wait for: a head, `Content-Length`, `Idempotency-Key`, keep-alive.

Switchboard: POST /admin/reset {"latency": seconds} begins a run, POST /admin/window begins a window, GET /admin/look
gives the figures so far, GET /admin/book the receipts of each order.
"""

import asyncio
import json
import random
import resource
import sys
from typing import Any

import uvloop

STEPS = (b"validate", b"submit", b"confirm")
_BODY = json.dumps({"status": "accepted", "ticket": 4711, "note": "x" * 2000})
ANSWER = (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n{_BODY}").encode()
_END = b"\r\n\r\n"


class Book:
    """What was received and answered. Times are the loop's, in seconds.

    `progress` counts calls to the fraction: one that has waited for a third of its latency is a third of a call. So a
    window says how many orders go through it whatever part of a series it begins and ends in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.latency = 0.0
        self.reset(0.0)

    def reset(self, latency: float) -> None:
        """Forget all. Until a whole series' time has gone by since the first call, answers come after anything
        between none and twice the latency: from then on no two slots of a contender move in step.
        """
        self.latency = latency
        self.spread_until: float | None = None
        self.orders: dict[bytes, list[int]] = {}
        self.begun: dict[bytes, float] = {}
        self.answered = self.waiting = self.done = 0
        self.since = 0.0
        self.took: list[float] = []
        self.window: float | None = None

    def receive(self, key: bytes) -> tuple[bytes, int, float, float]:
        """Note a call; gives order, step, the time and the seconds until its answer."""
        order, _, name = key.rpartition(b":")
        step = STEPS.index(name)
        now = self.loop.time()
        receipts = self.orders.get(order)
        if receipts is None:
            receipts = self.orders[order] = [0, 0, 0]
        receipts[step] += 1
        if not step:
            self.begun[order] = now
        self.waiting += 1
        self.since += now
        if self.spread_until is None:
            self.spread_until = now + len(STEPS) * self.latency
        return order, step, now, random.random() * 2 * self.latency if now < self.spread_until else self.latency

    def answer(self, order: bytes, step: int, received: float) -> None:
        """The answer goes out."""
        self.waiting -= 1
        self.since -= received
        self.answered += 1
        if step == len(STEPS) - 1:
            self.done += 1
            began = self.begun.pop(order, None)
            if began is not None and self.window is not None and began >= self.window:
                self.took.append(self.loop.time() - began)

    def look(self) -> dict[str, Any]:
        """The figures so far."""
        now = self.loop.time()
        under_way = (self.waiting * now - self.since) / self.latency if self.latency else 0.0
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "now": now,
            "progress": self.answered + under_way,
            "answered": self.answered,
            "waiting": self.waiting,
            "done": self.done,
            "cpu": used.ru_utime + used.ru_stime,
        }

    def admin(self, path: bytes, body: bytes) -> dict[str, Any]:
        """One call of the switchboard."""
        if path == b"/admin/reset":
            self.reset(json.loads(body)["latency"])
        elif path == b"/admin/window":
            self.window = self.loop.time()
        elif path == b"/admin/book":
            return {"orders": {order.decode(): receipts for order, receipts in self.orders.items()}, "took": self.took}
        return self.look()


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, book: Book) -> None:
        self.book = book
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
            document = json.dumps(self.book.admin(path, body)).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(document), document))
            return
        order, step, received, seconds = self.book.receive(_field(head, b"\r\nIdempotency-Key: "))
        self.book.loop.call_later(seconds, self._answer, order, step, received)

    def _answer(self, order: bytes, step: int, received: float) -> None:
        self.book.answer(order, step, received)
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


def _field(head: bytes, name: bytes) -> bytes:
    begin = head.index(name) + len(name)
    end = head.find(b"\r\n", begin)
    return head[begin:] if end < 0 else head[begin:end]


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    book = Book(loop)
    server = await loop.create_server(lambda: Line(book), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_serve(int(sys.argv[1])))

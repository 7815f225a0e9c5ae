"""A merchant that is faster than every contender: 2 kB of JSON after so many milliseconds, and a count of all calls.

`python -m benchmarks.comparison.fast_merchant PORT`, in the contenders' environment (uvloop). It knows no more of HTTP
than the contenders say, so that they never wait for it: a head, `Content-Length`, `Idempotency-Key`, keep-alive.

Admin: POST /admin/reset {"latency": seconds} begins a run, POST /admin/window begins a window, GET /admin/look
gives the figures so far, GET /admin/received the receipts of each order.
"""

import asyncio
import json
import resource
import sys
from typing import Any

import uvloop

from benchmarks.comparison.received import ReceivedCalls

_BODY = json.dumps({"status": "accepted", "ticket": 4711, "note": "x" * 2000})
ANSWER = (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n{_BODY}").encode()
_END = b"\r\n\r\n"


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, calls: ReceivedCalls, loop: asyncio.AbstractEventLoop) -> None:
        self.calls = calls
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
            document = json.dumps(_admin(self.calls, path, body)).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(document), document))
            return
        order, step, received, seconds = self.calls.receive(_field(head, b"\r\nIdempotency-Key: "))
        self.loop.call_later(seconds, self._answer, self.calls.run, order, step, received)

    def _answer(self, run: int, order: bytes, step: int, received: float) -> None:
        self.calls.answer(run, order, step, received)
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


def _admin(calls: ReceivedCalls, path: bytes, body: bytes) -> dict[str, Any]:
    """One call of /admin."""
    if path == b"/admin/reset":
        calls.reset(json.loads(body)["latency"])
    elif path == b"/admin/window":
        calls.begin()
    elif path == b"/admin/received":
        return {"orders": {order.decode(): receipts for order, receipts in calls.orders.items()}, "took": calls.took}
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {**calls.look(), "cpu": used.ru_utime + used.ru_stime}


def _field(head: bytes, name: bytes) -> bytes:
    begin = head.index(name) + len(name)
    end = head.find(b"\r\n", begin)
    return head[begin:] if end < 0 else head[begin:end]


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    calls = ReceivedCalls(loop.time)
    server = await loop.create_server(lambda: Line(calls, loop), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_serve(int(sys.argv[1])))

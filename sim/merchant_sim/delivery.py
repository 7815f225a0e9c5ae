"""How an answer reaches the caller, or fails to: whole, byte by byte, cut off, or never."""

import asyncio
import json
import socket
import struct
from typing import Never

from aiohttp import web

from merchant_sim.pos import Answer

_LINGER_ZERO = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN


def whole(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    """An ordinary response."""
    return web.Response(status=answer.status, body=_encode(answer), content_type="application/json", headers=headers)


async def drip(request: web.Request, answer: Answer, pause: float) -> web.StreamResponse:
    """Headers at once, then a byte every `pause` seconds: each socket read succeeds, the call takes for ever."""
    body = _encode(answer)
    response = await _begin(request, answer, len(body))
    for byte in body:
        await asyncio.sleep(pause)
        await response.write(bytes([byte]))
    await response.write_eof()
    return response


async def never() -> Never:
    """Hold the request until the caller hangs up, which cancels this."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


async def cut(request: web.Request) -> Never:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    await never()


async def reset(request: web.Request, answer: Answer | None) -> Never:
    """RST: before an answer, or in the middle of one."""
    if answer is not None:
        body = _encode(answer)
        response = await _begin(request, answer, len(body))
        await response.write(body[: len(body) // 2])
    transport = request.transport
    if transport is not None:
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        transport.abort()
    await never()


async def _begin(request: web.Request, answer: Answer, length: int) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
    response.content_length = length
    await response.prepare(request)
    return response


def _encode(answer: Answer) -> bytes:
    return json.dumps(answer.body, ensure_ascii=False).encode()

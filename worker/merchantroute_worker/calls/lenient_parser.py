"""A second, lenient look at a response that the strict parser refuses, with the standard library's HTTP client.

Old proxies and servers send what RFC 9112 forbids and other clients read: lines that end in a bare LF, folded headers,
a Content-Length beside chunks. The merchant has executed such a request, so its status must not get lost. Only what the
strict parser refused comes here: other responses pay nothing for it. The connection of such a response is not used
again, since nobody can say where it ends.
"""

import io
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import NamedTuple, cast

from merchantroute_worker.calls.response_parser import is_final
from merchantroute_worker.orders.steps.captures import AnswerContent

_BLOCK = 16 * 1024


class Unreadable(Exception):
    """It is no response for a lenient client either, or it ends too early."""


class LenientReply(NamedTuple):
    """A response's status, the only Retry-After of its headers, and its content as far as it was read."""

    status: int
    retry_after: str | None
    content: AnswerContent


def read(received: bytes, receive: Callable[[], bytes], longest: int) -> LenientReply:
    """Read the response that begins with these bytes; `receive` gives more, and none at the connection's end.

    A body without a length is not waited for: its end says nothing. After `longest` bytes the status counts, if the
    headers have ended by then.
    """
    source = _Source(received, receive, longest)
    try:
        response = _headed(source)
        body, whole = bytearray(), False
        with suppress(_TooLong):
            whole = _read_body(response, body)
    except (HTTPException, ValueError, _TooLong):
        raise Unreadable from None
    waits = response.headers.get_all("Retry-After", [])
    headers = {name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers}
    wait = waits[0] if len(waits) == 1 else None
    return LenientReply(response.status, wait, AnswerContent(headers, bytes(body), whole))


def _headed(source: "_Source") -> HTTPResponse:
    """The final response, its headers read; informational ones come before it."""
    while True:
        response = HTTPResponse(source)  # type: ignore[arg-type]  # it uses `makefile` alone
        response.begin()
        if is_final(response.status):
            source.in_head = False
            return response


def _read_body(response: HTTPResponse, body: bytearray) -> bool:
    """Read the body, if it has a length; gives whether that is all of it."""
    if response.length is None and not response.chunked:
        return False
    while block := response.read(_BLOCK):
        body += block
    if response.length:
        raise IncompleteRead(b"", response.length)
    return True


class _TooLong(Exception):
    """There is more than is read."""


class _Bytes(io.RawIOBase):
    """The received bytes, then those that `receive` gives."""

    def __init__(self, received: bytes, receive: Callable[[], bytes], longest: int) -> None:
        self._data, self._receive, self._left = received, receive, longest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        if self._left <= 0:
            raise _TooLong
        data = self._data or self._receive()
        part, self._data = data[: len(view)], data[len(view) :]
        view[: len(part)] = part
        self._left -= len(part)
        return len(part)


class _Source(io.BufferedReader):
    """What HTTPResponse takes for a socket and for its file; `in_head` until the headers of the final response end."""

    def __init__(self, received: bytes, receive: Callable[[], bytes], longest: int) -> None:
        super().__init__(_Bytes(received, receive, longest))
        self.in_head = True

    def makefile(self, mode: str) -> "_Source":
        """Give itself, as a socket gives a file of it."""
        del mode
        return self

    def readline(self, size: int | None = -1, /) -> bytes:
        """HTTPResponse takes the end of the connection for the end of the headers, and what has come of a status or a
        length for the whole.
        """
        line = super().readline(-1 if size is None else size)
        if self.in_head and not line.endswith(b"\n"):
            raise IncompleteRead(line)
        return line

    def close(self) -> None:
        """Do nothing: an informational response closes its file, and the final one follows in it."""

"""One answer of a merchant, as geventhttpclient's parser (llhttp) tells of it: its status, and when it is over. Its
headers are heard by nobody (`waits` reads them where they matter), and of the body no more than that it comes: both
are there with each call, and each name, value and piece is a call of the parser's.

What makes a parser work hard for few bytes is bounded: the parts in which it hands over a body.
"""

from collections.abc import Callable

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

MOST_PIECES = 1_000
_SWITCHING = 101

__all__ = ["Enough", "HTTPParseError", "ResponseParser", "is_final"]


# A function of the interpreter's own that makes nothing of what it is told: it costs a tenth of one in Python.
_not_heard: Callable[[str], None] = dict[str, None]().get


class Enough(Exception):
    """The answer goes on, but nobody wants to hear the rest of it."""


def is_final(status: int) -> bool:
    """Whether no other answer follows: interim ones (1xx) stand before the answer."""
    return status >= 200 or status == _SWITCHING


class ResponseParser(HTTPResponseParser):
    """`complete` says that its last byte came, `headed` that its headers came, and no other answer follows."""

    _on_status = _on_header_field = _on_header_value = _not_heard

    def __init__(self) -> None:
        super().__init__()
        self.complete = False
        self.headed = False
        self._begun = False
        self._pieces = 0

    def _on_message_begin(self) -> None:
        if self._begun and not self.complete:
            raise HTTPParseError("another answer begins within the answer")
        self._begun, self.headed, self.complete = True, False, False

    def _on_headers_complete(self) -> bool:
        self.headed = is_final(self.get_code())
        return False  # a body may follow

    def _on_body(self, data: bytearray) -> None:
        del data
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise Enough

    def _on_message_complete(self) -> None:
        self.complete = True

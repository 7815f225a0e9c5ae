"""One answer of a merchant, as geventhttpclient's parser (llhttp) tells of it. Of headers only Retry-After is kept, and
nothing of the body: both are read for each call.

What makes a parser work hard for few bytes is bounded: header fields and interim answers, and the parts in which it
hands over a body. Each is a call of the parser's into Python.
"""

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

MOST_LINES = 256
MOST_PIECES = 1_000
_WAIT = "retry-after"
_SWITCHING = 101

__all__ = ["Enough", "HTTPParseError", "OneAnswer"]


class Enough(Exception):
    """The answer goes on, but nobody wants to hear the rest of it."""


class OneAnswer(HTTPResponseParser):
    """`complete` says that its last byte came. `retry_after` is None where the header came not once."""

    def __init__(self) -> None:
        super().__init__()
        self.complete = False
        self._headed = False
        self._begun = False
        self._lines = 0
        self._pieces = 0
        self._field = ""
        self._value: str | None = None
        self._waits: list[str] = []

    @property
    def is_final(self) -> bool:
        """Whether its headers came, and no other answer follows: an interim one (1xx) stands before the answer."""
        return self._headed and (self.get_code() >= 200 or self.get_code() == _SWITCHING)

    @property
    def retry_after(self) -> str | None:
        """The header of that name."""
        return self._waits[0] if len(self._waits) == 1 else None

    # Called by the parser, also for parts of a name or of a value, where a block of bytes ends within.

    def _on_status(self, text: str) -> None:
        """The words beside the status."""

    def _on_message_begin(self) -> None:
        self._count()
        if self._begun and not self.complete:
            raise HTTPParseError("another answer begins within the answer")
        self._begun, self._headed, self.complete = True, False, False
        self._field, self._value = "", None
        self._waits.clear()

    def _on_header_field(self, text: str) -> None:
        self._count()
        if self._value is None:
            self._field += text
        else:
            self._end_field()
            self._field = text

    def _on_header_value(self, text: str) -> None:
        self._value = text if self._value is None else self._value + text

    def _on_headers_complete(self) -> bool:
        self._end_field()
        self._headed = True
        return False  # a body may follow

    def _on_body(self, data: bytearray) -> None:
        del data
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise Enough

    def _on_message_complete(self) -> None:
        self.complete = True

    def _end_field(self) -> None:
        if len(self._field) == len(_WAIT) and self._field.lower() == _WAIT:
            self._waits.append(self._value or "")
        self._field, self._value = "", None

    def _count(self) -> None:
        self._lines += 1
        if self._lines > MOST_LINES:
            raise HTTPParseError("the answer's headers are too many")

"""Reads the Retry-After header of a response.

Only of responses that are no success, and by parsing their bytes a second time: no other response's headers are needed.
"""

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

from merchantroute_worker.calls.response_parser import is_final

MOST_HEADERS = 256
_RETRY_AFTER = "retry-after"


def retry_after_header(head: bytes) -> str | None:
    """Give the header of the response whose head is in these bytes; None where it is absent or repeated.

    HTTPParseError where there are too many headers or informational responses: each costs a call into Python.
    """
    parser = _HeadParser()
    try:
        parser.feed(head)
    except HTTPParseError:
        # What follows the headers may be anything.
        if not parser.headed:
            raise
    return parser.values[0] if len(parser.values) == 1 else None


class _HeadParser(HTTPResponseParser):
    """Collects the values of Retry-After, on geventhttpclient's parser (llhttp)."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[str] = []
        self._headers = 0
        self.headed = False
        self._field = ""
        self._value: str | None = None

    # Called by the parser; several times for a name or a value in which a block of bytes ends.

    def _on_status(self, text: str) -> None:
        """Ignore the reason phrase."""

    def _on_message_begin(self) -> None:
        self._count()
        if not self.headed:
            self.values.clear()

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
        # Informational responses come before the final one; whatever follows its head belongs to another response.
        self.headed = self.headed or is_final(self.get_code())
        return False  # a body may follow

    def _on_body(self, data: bytearray) -> None:
        """Drop the body."""

    def _on_message_complete(self) -> None:
        """Do nothing: the headers are complete already."""

    def _end_field(self) -> None:
        if not self.headed and len(self._field) == len(_RETRY_AFTER) and self._field.lower() == _RETRY_AFTER:
            self.values.append(self._value or "")
        self._field, self._value = "", None

    def _count(self) -> None:
        self._headers += 1
        if self._headers > MOST_HEADERS:
            raise HTTPParseError("the answer's headers are too many")

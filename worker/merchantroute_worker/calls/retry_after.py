"""What an answer's headers ask us to wait: Retry-After. Read only of answers that are no success, and once more from
the bytes: of all other answers nobody wants the headers.
"""

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

from merchantroute_worker.calls.response_parser import is_final

MOST_LINES = 256
_WAIT = "retry-after"


def retry_after_header(head: bytes) -> str | None:
    """The header of the answer that begins in these bytes, None where it came not once. HTTPParseError where there are
    more headers, or interim answers, than anybody needs: each is a call of the parser's into Python.
    """
    heads = _Heads()
    heads.feed(head)
    return heads.waits[0] if len(heads.waits) == 1 else None


class _Heads(HTTPResponseParser):
    """As geventhttpclient's parser (llhttp) tells of them, name by name and value by value."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        self._lines = 0
        self._headed = False
        self._field = ""
        self._value: str | None = None

    # Called by the parser, also for parts of a name or of a value, where a block of bytes ends within.

    def _on_status(self, text: str) -> None:
        """The words beside the status."""

    def _on_message_begin(self) -> None:
        self._count()
        if not self._headed:
            self.waits.clear()

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
        # An interim answer stands before the answer; what comes after the answer's head is none of it.
        self._headed = self._headed or is_final(self.get_code())
        return False  # a body may follow

    def _on_body(self, data: bytearray) -> None:
        """Nothing of it is kept."""

    def _on_message_complete(self) -> None:
        """It is known already."""

    def _end_field(self) -> None:
        if not self._headed and len(self._field) == len(_WAIT) and self._field.lower() == _WAIT:
            self.waits.append(self._value or "")
        self._field, self._value = "", None

    def _count(self) -> None:
        self._lines += 1
        if self._lines > MOST_LINES:
            raise HTTPParseError("the answer's headers are too many")

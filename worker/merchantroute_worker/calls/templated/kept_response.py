"""A parser of one HTTP response that keeps headers and body, for steps that read them."""

from geventhttpclient._parser import HTTPParseError

from merchantroute_worker.calls.response_parser import ResponseParser
from merchantroute_worker.orders.steps.captures import AnswerContent

LONGEST_KEPT = 256 * 1024
"""Bytes of a body that are kept: parsing more would hold up the pod's other calls."""
MOST_HEADERS = 256


class KeptResponseParser(ResponseParser):
    """Keeps the headers of the final response, and its body up to LONGEST_KEPT."""

    def __init__(self) -> None:
        super().__init__()
        self._fields: list[list[str]] = []
        self._in_value = False
        self._body = bytearray()
        self._whole = True

    # Called by the parser; several times for a name or a value in which a block of bytes ends.

    def _on_message_begin(self) -> None:
        super()._on_message_begin()
        self._fields.clear()
        self._in_value = False

    def _on_header_field(self, text: str) -> None:  # type: ignore[override]  # a no-op there
        if self._in_value or not self._fields:
            if len(self._fields) >= MOST_HEADERS:
                raise HTTPParseError("the answer's headers are too many")
            self._fields.append([text, ""])
            self._in_value = False
        else:
            self._fields[-1][0] += text

    def _on_header_value(self, text: str) -> None:  # type: ignore[override]  # a no-op there
        if self.headed or not self._fields:
            return  # trailers
        self._in_value = True
        self._fields[-1][1] += text

    def _on_body(self, data: bytearray) -> None:
        super()._on_body(data)
        room = LONGEST_KEPT - len(self._body)
        self._body += data[:room]
        self._whole = self._whole and len(data) <= room

    def content(self, *, whole: bool) -> AnswerContent:
        """What was kept; `whole` says whether the response was read to its end."""
        headers: dict[str, str] = {}
        for name, value in self._fields:
            key, text = name.lower(), value.strip()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text  # RFC 9110, section 5.3
        return AnswerContent(headers, bytes(self._body), whole and self._whole)

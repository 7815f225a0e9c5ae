"""Parser of one HTTP response, on geventhttpclient's (llhttp): finds the status, and when the response is complete.

Response headers are not parsed here (see retry_after), and a body is dropped: each name, each value and each chunk of a
body costs a call into Python, with every call to a merchant. The number of chunks is limited, since many small ones
cost the parser much work for few bytes.
"""

from collections.abc import Callable

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

MOST_CHUNKS = 1_000
_SWITCHING_PROTOCOLS = 101

__all__ = ["BodyTooFragmented", "HTTPParseError", "ResponseParser", "is_final"]


# A no-op in C: it costs a tenth of a function in Python.
_ignore: Callable[[str], None] = dict[str, None]().get


class BodyTooFragmented(Exception):
    """The body comes in more chunks than are read. Its status counts, and its connection is closed."""


def is_final(status: int) -> bool:
    """Whether a status is that of the final response: informational ones (1xx) precede it, except 101."""
    return status >= 200 or status == _SWITCHING_PROTOCOLS


class ResponseParser(HTTPResponseParser):
    """`headed` after the headers of the final response, `complete` after its last byte; `chunks` of body so far.

    Both stay so whatever follows the response, which is an HTTPParseError. `status` is valid once `headed` is True.
    """

    _on_status = _on_header_field = _on_header_value = _ignore
    complete = headed = _begun = False
    status = chunks = 0

    def _on_message_begin(self) -> None:
        if self._begun and not self.complete:
            raise HTTPParseError("another answer begins within the answer")
        if self.headed:
            raise HTTPParseError("bytes follow the answer")
        self._begun, self.headed, self.complete = True, False, False

    def _on_headers_complete(self) -> bool:
        # Kept, because the parser forgets it when the next response begins.
        self.status = self.get_code()
        self.headed = is_final(self.status)
        return False  # a body may follow

    def _on_body(self, data: bytearray) -> None:
        del data
        self.chunks += 1
        if self.chunks > MOST_CHUNKS:
            raise BodyTooFragmented

    def _on_message_complete(self) -> None:
        self.complete = True

"""One answer read by our response parser, byte for byte as a merchant sends it. geventhttpclient calls the parser's
methods by names that are its own affair: with other names every answer would count as cut off.
"""

from importlib import metadata

from merchantroute_worker.calls.response_parser import ResponseParser
from merchantroute_worker.options import CannotStart

_INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nRetry-After: 3\r\n\r\nok"
_WANTED = [(103, False, True), (201, True, False), (201, True, True), (True, False, 2)]


def check() -> None:
    """Read an answer in two pieces, an interim one before it; CannotStart where anything comes out otherwise."""
    try:
        _expect(_read())
    except Exception as error:
        raise CannotStart(
            f"geventhttpclient {metadata.version('geventhttpclient')} does not read answers as this worker needs it "
            f"({type(error).__name__}: {error}): install the version of the worker's image"
        ) from error


def _expect(seen: list[tuple[object, ...]]) -> None:
    if seen != _WANTED:
        raise ValueError(f"an answer: {seen} instead of {_WANTED}")


def _read() -> list[tuple[object, ...]]:
    """Status, `headed` and `complete` after each piece; then whether the connection can go on, and pieces of body."""
    parser = ResponseParser()
    seen: list[tuple[object, ...]] = []
    for piece in (_INTERIM, _ANSWER[:-1], _ANSWER[-1:]):
        parser.feed(piece)
        seen.append((parser.get_code(), parser.headed, parser.complete))
    return [*seen, (parser.should_keep_alive(), parser.parser_failed(), parser.chunks)]

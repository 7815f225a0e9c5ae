"""Finds what OpenSSL said in the exceptions that libraries make of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from aiohttp import ClientError


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """OpenSSL's own error behind ``error``; None where it has another cause than TLS."""
    # aiohttp's own errors are SSLErrors too, without what OpenSSL said.
    own = (each for each in _causes(error) if isinstance(each, ssl.SSLError) and not isinstance(each, ClientError))
    return next(own, None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it came from; aiohttp has that in fields of its own."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        each = left.pop(0)
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        yield each
        own = (getattr(each, name, None) for name in ("os_error", "certificate_error"))
        left += [*own, each.__cause__, each.__context__]

"""Classifies why a call got no answer, and says it in words.

The words go to logs, spans and dead letters, so they hold nothing of the order and no credentials: they come from the
operating system, from TLS, from the parser or from here, and from the endpoint only its host and port.
"""

import os
import socket
import ssl

from merchantroute_worker.calls.request import Origin
from merchantroute_worker.egress.rules import ForbiddenAddress
from merchantroute_worker.orders.answers import FORBIDDEN, as_cause


def failure(error: OSError) -> str:
    """Classify the failure of a call without an answer. The order matters: all of these are OSErrors."""
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, ForbiddenAddress):
        return FORBIDDEN
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "reset" if isinstance(error, ConnectionError) else "refused"


def cause(kind: str, error: OSError, origin: Origin) -> str:
    """Say why a call failed, in at most MAX_CAUSE printable characters."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return as_cause(f"{_text(kind, error)} ({host}:{origin.port})")


def _text(kind: str, error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the merchant's certificate is not valid: {error.verify_message or error.reason}"
    if isinstance(error, ssl.SSLError):
        # `reason` is missing on an error that OpenSSL did not make.
        return f"TLS failed: {getattr(error, 'reason', None) or error.strerror or type(error).__name__}"
    if error.errno is not None and kind != "dns":
        return error.strerror or os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__

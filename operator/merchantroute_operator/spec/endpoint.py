"""Where a merchant's API is: host and port of an endpoint."""

from __future__ import annotations

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def host_and_port(endpoint: str) -> tuple[str, int]:
    """Of ``endpoint``; the port is its scheme's where it names none. Raises ``ValueError`` for what is no address."""
    parts = urlsplit(endpoint)
    if not parts.hostname:
        raise ValueError("it names no host")
    port = parts.port if parts.port is not None else _PORTS.get(parts.scheme, 443)
    if not port:
        raise ValueError("port 0 is no port")
    return parts.hostname, port

"""Where the front door is: arguments first, then the environment, then the files that pods mount."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from merchantroute_worker.rabbit import address as files

DIRECTORY = "/etc/merchantroute/broker"
PORTS = {"amqp": 5672, "amqps": 5671}


class NotConfigured(ValueError):
    """The client does not know its broker or its route; the text says what to set."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A broker and who we are there. `ca` is a file with the authority to trust, None the machine's own ones."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str = "/"
    tls: bool = False
    ca: str | None = None

    def __str__(self) -> str:
        return f"{self.username}@{self.host}:{self.port}{'/' if self.vhost == '/' else '/' + self.vhost}"

    @property
    def netloc(self) -> str:
        """Host and port as py-amqp wants them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def ssl(self) -> dict[str, Any] | bool:
        """py-amqp's `ssl` argument; certificate and name are always checked."""
        if not self.tls:
            return False
        return {"ca_certs": self.ca, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": self.host}


def address(broker: str | Path | None, ca: str | Path | None, environment: Mapping[str, str]) -> Callable[[], Address]:
    """A function that gives the address. Files are read again at each connect, so a rotated password is found.

    Raises:
        NotConfigured: no broker is named, or the URL makes no sense. Never says the URL, which holds the password.
    """
    given = str(broker or environment.get("MR_BROKER") or environment.get("MR_BROKER_DIR") or "")
    if "://" in given:
        read = _url(given, str(ca) if ca else None)
        return lambda: read
    directory = Path(given or DIRECTORY)
    if not directory.is_dir():
        raise NotConfigured(
            "no broker: give broker= or set MR_BROKER, an amqp:// or amqps:// URL or a directory with the files host, "
            f"port, username and password (there is none at {directory})"
        )
    return lambda: _files(directory, str(ca) if ca else None)


def door(route: str | None, environment: Mapping[str, str]) -> str:
    """The front door's exchange. `route` is "namespace/name"; else MR_ROUTE is, or the name with MR_NAMESPACE."""
    given = route or environment.get("MR_ROUTE") or ""
    namespace, slash, name = given.rpartition("/")
    if not slash:
        namespace = environment.get("MR_NAMESPACE") or ""
    if not name or not namespace or "/" in namespace:
        raise NotConfigured(
            f"no route: give route= or set MR_ROUTE, as namespace/name (it is {given!r}); "
            "MR_ROUTE may be the name alone where MR_NAMESPACE is set"
        )
    return f"mr.{namespace}.{name}"


def _url(text: str, ca: str | None) -> Address:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise NotConfigured("the broker's URL cannot be read: write amqp://user:password@host:port/vhost") from None
    if url.scheme not in PORTS or not url.hostname:
        raise NotConfigured(f"the broker's URL must be amqp:// or amqps:// with a host, not {url.scheme}://")
    if ca and url.scheme == "amqp":
        raise NotConfigured("a ca is given, but the broker's URL is amqp://, without TLS: write amqps://")
    return Address(
        host=url.hostname,
        port=port or PORTS[url.scheme],
        username=unquote(url.username or "guest"),
        password=unquote(url.password or "guest"),
        vhost=unquote(url.path[1:]) or "/",
        tls=url.scheme == "amqps",
        ca=ca,
    )


def _files(directory: Path, ca: str | None) -> Address:
    found = files.read(directory)
    return Address(
        host=found.host,
        port=found.port,
        username=found.username,
        password=found.password,
        vhost=found.vhost,
        tls=bool(ca or found.ca),
        ca=ca or found.ca,
    )

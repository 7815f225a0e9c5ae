"""Where a route's broker is, from the Secret that the RabbitMQ Cluster Operator (or a user) wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from merchantroute_operator.errors import SecretInvalid
from merchantroute_operator.spec.broker_rules import literal

REQUIRED = ("host", "port", "username", "password")
MANAGEMENT_PORT = 15672
_PORT = re.compile(r"[0-9]{1,5}")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,15})?")
_LONGEST_LABEL = 63  # characters between two dots of a name, as DNS has them
_URI = "http://host:15672 or https://host:15671, with a path where the API stands below one"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """One vhost of one broker. The password stays out of every representation."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str
    management_uri: str
    ca: str | None = field(default=None, repr=False)  # PEM; set means TLS

    @property
    def identity(self) -> str:
        """Which broker and vhost, for people and for the status: ``rabbit.example``, ``rabbit.example/orders``."""
        host = self.host.lower().rstrip(".")
        return host if self.vhost == "/" else f"{host}/{self.vhost}"


def parse_broker(name: str, data: Mapping[str, bytes]) -> BrokerAddress:
    """The address in Secret ``name``.

    Keys: host, port, username, password; optional vhost (default ``/``), ca.crt, management_uri (default
    ``http://host:15672``). Raises ``SecretInvalid`` that names the keys that are missing or wrong, and what to write.
    No value is repeated: a password may stand in the wrong key.
    """
    text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
    missing = [key for key in REQUIRED if not text.get(key)]
    if missing:
        raise SecretInvalid(f"Secret {name} lacks {', '.join(missing)}: write the keys {', '.join(REQUIRED)}")
    if wrong := _wrong(text):
        raise SecretInvalid(f"Secret {name}: {wrong}")
    host = text["host"]
    uri = text.get("management_uri") or f"http://{f'[{host}]' if ':' in host else host}:{MANAGEMENT_PORT}"
    return BrokerAddress(
        host=host,
        port=int(text["port"]),
        username=text["username"],
        password=text["password"],
        vhost=text.get("vhost") or "/",
        management_uri=uri.rstrip("/"),
        ca=text.get("ca.crt") or None,
    )


def _wrong(text: Mapping[str, str]) -> str:
    """What is wrong with the first key that makes no sense, in words; or nothing."""
    if not _is_host(text["host"]):
        return "host is no name and no address: write it alone, like rabbitmq.orders.svc, without scheme and port"
    if not _PORT.fullmatch(text["port"]) or not 0 < int(text["port"]) < 65536:
        return "port is not a number from 1 to 65535: write AMQP's port, like 5672"
    if ":" in text["username"]:
        return "username holds a colon, which the management API's login cannot carry: write a user without"
    if uri := text.get("management_uri"):
        return _wrong_uri(uri)
    return ""


def _is_host(host: str) -> bool:
    """Whether it is a name, or an address as it is usually written.

    Resolvers read what ends in a number as an address, whatever the number of its parts: 127.1, 0x7f000001.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if last.isdecimal() or last.lower().startswith("0x"):
        return literal(host) is not None
    return bool(_HOST.fullmatch(host)) and all(len(label) <= _LONGEST_LABEL for label in host.split("."))


def _wrong_uri(uri: str) -> str:
    """What is wrong with ``management_uri``; ``urlsplit`` raises for a port that is none, and for an odd bracket."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return f"management_uri is no address, or its port is none: write {_URI}"
    if parts.scheme not in ("http", "https") or not parts.hostname or not _is_host(parts.hostname) or port == 0:
        return f"management_uri is no http:// or https:// address: write {_URI}"
    if "@" in parts.netloc:
        return f"management_uri holds a user: write {_URI}; username and password have keys of their own"
    if "?" in uri or "#" in uri:
        return f"management_uri has a query or a fragment, which the API's paths cannot follow: write {_URI}"
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        return f"management_uri holds a character that an address must quote: write {_URI}"
    return ""

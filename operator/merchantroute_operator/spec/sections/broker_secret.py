"""Where a route's broker is, from the Secret that the RabbitMQ Cluster Operator (or a user) wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from merchantroute_operator.errors import SecretInvalid
from merchantroute_operator.spec.broker_rules import literal

REQUIRED = ("host", "port", "username", "password")
PORTS = {"amqp": 5672, "amqps": 5671}
MANAGEMENT_PORT, MANAGEMENT_TLS_PORT = 15672, 15671
_PORT = re.compile(r"[0-9]{1,5}")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,15})?")
_LONGEST_LABEL = 63  # characters between two dots of a name, as DNS has them
_NO_CERTIFICATE = (
    ". A client certificate alone logs pods in (workerSecretRef), and not the operator: RabbitMQ's management API asks "
    "for a password"
)
_URI = "http://host:15672 or https://host:15671, with a path where the API stands below one"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """One vhost of one broker. The password and the client certificate's key stay out of every representation.

    Without ``username`` whoever connects is who the client certificate says (AMQP's mechanism EXTERNAL).

    ``tls`` says whether AMQP is encrypted. ``ca`` is the authority to trust, None for the system's own ones;
    ``certificate`` with its ``key`` is what a broker that asks clients for one is shown. All three are PEM.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str
    management_uri: str
    ca: str | None = field(default=None, repr=False)
    tls: bool = False
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """Which broker and vhost, for people and for the status: ``rabbit.example``, ``rabbit.example/orders``."""
        host = self.host.lower().rstrip(".")
        return host if self.vhost == "/" else f"{host}/{self.vhost}"


def parse_broker(name: str, data: Mapping[str, bytes]) -> BrokerAddress:
    """The address in Secret ``name``, as the operator uses it.

    Keys: host, port, username, password, each of which may come from connection_string instead; optional vhost
    (default ``/``), tls, ca.crt, tls.crt with tls.key, and management_uri (default port 15672 of the host, or 15671 by
    https where AMQP is TLS). Raises ``SecretInvalid`` that names the keys that are missing or wrong, and what to write.
    No value is repeated: a password may stand in the wrong key.
    """
    text = _text(data)
    if missing := [key for key in REQUIRED if not text.get(key)]:
        words = f"Secret {name} lacks {', '.join(missing)}: write the keys {', '.join(REQUIRED)}"
        raise SecretInvalid(f"{words}{_NO_CERTIFICATE if _is_by_certificate(text) else ''}")
    return _address(name, text)


def parse_pods_broker(name: str, data: Mapping[str, bytes]) -> BrokerAddress:
    """The address in Secret ``name``, as pods use it: ``tls.crt`` may stand for user and password.

    Raises ``SecretInvalid`` as ``parse_broker`` does.
    """
    text = _text(data)
    needed = REQUIRED[:2] if _is_by_certificate(text) else REQUIRED
    if missing := [key for key in needed if not text.get(key)]:
        raise SecretInvalid(f"Secret {name} lacks {', '.join(missing)}: write the keys {', '.join(needed)}")
    return _address(name, text)


def _text(data: Mapping[str, bytes]) -> dict[str, str]:
    """What the keys say; an empty one says nothing, and what none says may stand in ``connection_string``."""
    text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
    return {
        **_connection_string(text.get("connection_string", "")),
        **{key: value for key, value in text.items() if value},
    }


def _is_by_certificate(text: Mapping[str, str]) -> bool:
    return "tls.crt" in text and "username" not in text and "password" not in text


def _address(name: str, text: Mapping[str, str]) -> BrokerAddress:
    if wrong := _wrong(text) or _wrong_tls(text):
        raise SecretInvalid(f"Secret {name}: {wrong}")
    host, tls = text["host"], _is_tls(text)
    return BrokerAddress(
        host=host,
        port=int(text["port"]),
        username=text.get("username", ""),
        password=text.get("password", ""),
        vhost=text.get("vhost") or "/",
        management_uri=text.get("management_uri", _management(host, tls=tls)).rstrip("/"),
        ca=text.get("ca.crt"),
        tls=tls,
        certificate=text.get("tls.crt"),
        key=text.get("tls.key"),
    )


def _connection_string(uri: str) -> dict[str, str]:
    """What ``connection_string`` says under the names of the keys; nothing where it is no AMQP URI."""
    try:
        url = urlsplit(uri)
        host, port = url.hostname, url.port
    except ValueError:
        return {}
    if url.scheme not in PORTS or not host:
        return {}
    found = {
        "host": host,
        "port": str(port or PORTS[url.scheme]),
        "username": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "vhost": unquote(url.path.removeprefix("/")),
        **({"tls": "true"} if url.scheme == "amqps" else {}),
    }
    return {key: value for key, value in found.items() if value}


def _is_tls(text: Mapping[str, str]) -> bool:
    """What ``tls`` says; without it, whether anything else speaks of TLS. Workers read the same files alike."""
    if "tls" in text:
        return text["tls"] == "true"
    return "ca.crt" in text or "tls.crt" in text or int(text["port"]) == PORTS["amqps"]


def _management(host: str, *, tls: bool) -> str:
    scheme, port = ("https", MANAGEMENT_TLS_PORT) if tls else ("http", MANAGEMENT_PORT)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _wrong(text: Mapping[str, str]) -> str:
    """What is wrong with the first key that makes no sense, in words; or nothing."""
    if not _is_host(text["host"]):
        return "host is no name and no address: write it alone, like rabbitmq.orders.svc, without scheme and port"
    if not _PORT.fullmatch(text["port"]) or not 0 < int(text["port"]) < 65536:
        return "port is not a number from 1 to 65535: write AMQP's port, like 5672"
    if ":" in text.get("username", ""):
        return "username holds a colon, which the management API's login cannot carry: write a user without"
    if uri := text.get("management_uri"):
        return _wrong_uri(uri)
    return ""


def _wrong_tls(text: Mapping[str, str]) -> str:
    """What is wrong with the keys that speak of TLS, in words; or nothing."""
    if text.get("tls", "true") not in ("true", "false"):
        return "tls is neither true nor false: write one of them, or leave it out"
    if ("tls.crt" in text) != ("tls.key" in text):
        return "tls.crt and tls.key belong together, a client certificate and its key: write both, or neither"
    if text.get("tls") == "false" and (plain := [key for key in ("ca.crt", "tls.crt") if key in text]):
        return f"tls is false, but {plain[0]} is for TLS: remove one of them"
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

"""Where a route's broker is, from the Secret that the RabbitMQ Cluster Operator (or a user) wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator.errors import SecretInvalid

REQUIRED = ("host", "port", "username", "password")


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


def parse_broker(name: str, data: Mapping[str, bytes]) -> BrokerAddress:
    """The address in Secret ``name``.

    Keys: host, port, username, password; optional vhost (default ``/``), ca.crt, management_uri (default
    ``http://host:15672``). Raises ``SecretInvalid`` that names the keys that are missing or wrong.
    """
    text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
    missing = [key for key in REQUIRED if not text.get(key)]
    if missing:
        raise SecretInvalid(f"Secret {name} lacks {', '.join(missing)}: write the keys {', '.join(REQUIRED)}")
    if not text["port"].isdigit():
        raise SecretInvalid(f"Secret {name}: port is not a number")
    uri = text.get("management_uri") or f"http://{text['host']}:15672"
    return BrokerAddress(
        host=text["host"],
        port=int(text["port"]),
        username=text["username"],
        password=text["password"],
        vhost=text.get("vhost") or "/",
        management_uri=uri.rstrip("/"),
        ca=text.get("ca.crt") or None,
    )

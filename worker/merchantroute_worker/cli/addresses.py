"""Which route a command is about, and where its broker is, as values. Pure.

The password stays out of every representation and every message.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from merchantroute_worker.cli.errors import Problem

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
FORM = "amqp://user:password@host:port/vhost, or amqps:// for TLS"


@dataclass(frozen=True, kw_only=True)
class Address:
    """One virtual host of one broker, and who we are there. `ca` is a file, `ca_text` its content, in PEM."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str = "/"
    tls: bool = False
    ca: str | None = None
    ca_text: str | None = field(default=None, repr=False)
    certified: str | None = None
    """The name that the broker's certificate must bear, where it is not `host`."""

    def __str__(self) -> str:
        return f"{self.username}@{self.host}:{self.port}{'/' if self.vhost == '/' else '/' + self.vhost}"


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route's names in the broker (CONTRACT: `mr.<namespace>.<route>`)."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def door(self) -> str:
        """The front door, an exchange."""
        return f"mr.{self.namespace}.{self.name}"

    @property
    def dead(self) -> str:
        """The queue of dead letters."""
        return f"{self.door}.dead"


def route(text: str | None, namespace: str | None) -> Route:
    """The route of `--route NAMESPACE/NAME`, or of `--route NAME` and a namespace. Problem says what is missing."""
    if not text:
        raise Problem("which route? Say --route NAMESPACE/NAME (`kubectl get mr -A` lists them), or set MR_ROUTE")
    first, slash, second = text.partition("/")
    if not slash and not namespace:
        raise Problem(f"in which namespace is the route {text}? Say --route NAMESPACE/{text}, or -n NAMESPACE")
    if slash and namespace and first != namespace:
        raise Problem(f"--route says namespace {first}, -n or MR_NAMESPACE says {namespace}: which one?")
    names = (first, second) if slash else (namespace or "", first)
    for name in names:
        if not _NAME.fullmatch(name):
            raise Problem(f"{name!r} is no name of a namespace or route: small letters, digits and -, 63 at most")
    return Route(namespace=names[0], name=names[1])


def from_url(text: str, ca: str | None) -> Address:
    """The address in a broker's URL. Problem says what is wrong with it and never repeats it."""
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise Problem(f"--broker (or MR_BROKER) cannot be read: write {FORM}; escape / @ : in a password") from None
    if url.scheme not in {"amqp", "amqps"} or not host:
        raise Problem(f"--broker (or MR_BROKER) is not a broker's URL: write {FORM}")
    if ca and url.scheme == "amqp":
        raise Problem("--ca is for TLS, and the broker's URL begins with amqp://: write amqps://")
    vhost = url.path.removeprefix("/")
    if "/" in vhost:
        raise Problem("the virtual host in --broker (or MR_BROKER) holds a /: write it as %2F")
    tls = url.scheme == "amqps"
    return Address(
        host=host,
        port=port or (5671 if tls else 5672),
        username=unquote(url.username or "guest"),
        password=unquote(url.password or ("guest" if url.username is None else "")),
        vhost=unquote(vhost) or "/",
        tls=tls,
        ca=ca,
    )


def from_secret(name: str, data: dict[str, bytes], ca: str | None) -> Address:
    """The address in a route's Secret (docs/operations.md has its keys). Problem names keys that are missing."""
    text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
    missing = [key for key in ("host", "port", "username", "password") if not text.get(key)]
    if missing:
        raise Problem(f"the broker's Secret {name} lacks {', '.join(missing)}: write it, or give --broker")
    if not text["port"].isdigit():
        raise Problem(f"the broker's Secret {name}: port is not a number")
    certificate = text.get("ca.crt")
    return Address(
        host=text["host"],
        port=int(text["port"]),
        username=text["username"],
        password=text["password"],
        vhost=text.get("vhost") or "/",
        tls=bool(certificate or ca),
        ca=ca,
        ca_text=None if ca else certificate,
    )


def service(host: str, namespace: str) -> tuple[str, str] | None:
    """(namespace, name) of the Service that a host may name inside a cluster, None where it cannot be one."""
    labels = host.split(".")
    if not all(_NAME.fullmatch(label) for label in labels) or labels[0].isdigit():
        return None
    if len(labels) == 1:
        return namespace, labels[0]
    return (labels[1], labels[0]) if len(labels) == 2 or labels[2] == "svc" else None

"""The broker's address and credentials, from files mounted from a Secret, from an AMQP URL, or from the Secret itself.

One value for pods, client and command line. Mounted files are read again at each connect, so that a rotated password
needs no restart: the next connection uses it.
"""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from amqp.exceptions import AMQPError

ERRORS: tuple[type[Exception], ...] = (AMQPError, OSError)
"""What a broker or the network to it can raise; ssl.SSLError and time-outs are OSErrors."""
BEAR_SILENCE = 15  # seconds
SOCKET_SETTINGS: dict[int, int] = (
    {socket.TCP_USER_TIMEOUT: BEAR_SILENCE * 1000} if hasattr(socket, "TCP_USER_TIMEOUT") else {}
)
"""py-amqp's `socket_settings`: how long what was sent may stay unacknowledged by the other end's kernel before the
connection breaks. py-amqp's own is one second; a virtual machine's live migration or a CNI's restart takes longer."""
PORTS = {"amqp": 5672, "amqps": 5671}
_PLAIN = ("host", "port", "username", "password", "vhost", "connection_string", "tls")
_PEM = {"ca.crt": "ca", "tls.crt": "certificate", "tls.key": "key"}  # the Secret's keys and our fields
URL_FORM = "amqp://user:password@host:port/vhost, or amqps:// for TLS"


class BrokerFilesError(OSError):
    """The mounted files give no address; the text names the file. An OSError, so that a connect is tried again."""


class AddressError(ValueError):
    """A URL or a Secret gives no address. The text completes a sentence that names it, and never repeats it: both hold
    the password.
    """


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """Host, virtual host, credentials and TLS settings of one broker.

    `ca` is a file with the certificate authority to trust, None for the machine's own ones; `certificate` and `key` are
    files of what a broker that asks clients for a certificate is shown; `pem` are such files' contents by the names of
    the Secret's keys, where there are no files yet. `certified_name` is the name in the broker's certificate where it
    is not `host`, as behind a forwarded port. Without `username` the broker takes the user from the client certificate.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str = "/"
    tls: bool = False
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    pem: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    certified_name: str | None = None

    @classmethod
    def from_files(cls, directory: Path, ca: str | None = None) -> Self:
        """Read the mounted files of a broker's Secret; a `ca` counts instead of its own. BrokerFilesError names what is
        at fault.
        """
        text = {key: _text(directory / key) for key in (*_PLAIN, *_PEM) if (directory / key).exists()}
        try:
            found = _parse(text, tls=ca is not None)
        except AddressError as error:
            raise BrokerFilesError(f"{directory} {error}") from None
        found |= {name: str(directory / key) for key, name in _PEM.items() if text.get(key)}
        return cls(**{**found, "ca": ca or found.get("ca")})

    @classmethod
    def from_url(cls, text: str, ca: str | None = None) -> Self:
        """Parse an amqp:// or amqps:// URL as RabbitMQ's URI specification has it. AddressError says what is wrong."""
        try:
            url = urlsplit(text)
            host, port = url.hostname, url.port
        except ValueError:
            raise AddressError(f"cannot be read: write {URL_FORM}; escape / @ : in a password") from None
        if url.scheme not in PORTS or not host:
            raise AddressError(f"is not a broker's: write {URL_FORM}")
        if ca and url.scheme == "amqp":
            raise AddressError("begins with amqp://, and an authority (ca) is for TLS: write amqps://")
        vhost = url.path.removeprefix("/")
        if "/" in vhost and vhost != "/":
            raise AddressError("has a virtual host with a / in it: write it as %2F")
        return cls(
            host=host,
            port=port or PORTS[url.scheme],
            username=unquote(url.username or "guest"),
            password=unquote(url.password or ("guest" if url.username is None else "")),
            vhost=unquote(vhost) or "/",
            tls=url.scheme == "amqps",
            ca=ca,
        )

    @classmethod
    def from_secret(cls, data: Mapping[str, bytes], ca: str | None = None) -> Self:
        """Read a Secret's decoded data (docs/operations.md has its keys). AddressError names keys that are missing."""
        text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
        found = _parse(text, tls=ca is not None)
        return cls(
            **found, ca=ca, pem={key: text[key] for key in _PEM if text.get(key) and not (ca and key == "ca.crt")}
        )

    def with_files(self, folder: Path) -> Self:
        """Write `pem` into files in `folder`, and give the address with their paths."""
        for key, content in self.pem.items():
            (folder / key).write_text(content)
        paths: dict[str, Any] = {_PEM[key]: str(folder / key) for key in self.pem}
        return replace(self, pem={}, **paths)

    def __str__(self) -> str:
        return f"{self.user}@{self.netloc}{'/' if self.vhost == '/' else '/' + self.vhost}"

    @property
    def user(self) -> str:
        """Who connects, for messages; whom a certificate stands for is the broker's to say."""
        return self.username or "(client certificate)"

    def login(self) -> dict[str, str]:
        """Give py-amqp's and kombu's arguments of a login: by password, or by the client certificate (EXTERNAL)."""
        method = "PLAIN" if self.username else "EXTERNAL"
        return {"userid": self.username, "password": self.password, "login_method": method}

    @property
    def netloc(self) -> str:
        """Host and port as py-amqp expects them: an IPv6 address in brackets and in lower case."""
        return f"[{self.host.lower()}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def ssl(self) -> dict[str, Any] | bool:
        """Give py-amqp's `ssl` argument; certificate and name are always checked."""
        if not self.tls:
            return False
        name = self.certified_name or self.host
        shown = {"certfile": self.certificate, "keyfile": self.key} if self.certificate else {}
        return {"ca_certs": self.ca, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": name, **shown}


def _parse(text: Mapping[str, str], *, tls: bool) -> dict[str, Any]:
    """The plain fields of an address from a Secret's keys; `tls` where the caller has an authority of its own."""
    text = {
        **_connection_string(text.get("connection_string", "")),
        **{key: value for key, value in text.items() if value},
    }
    by_certificate = "tls.crt" in text and "username" not in text and "password" not in text
    needed = ("host", "port") if by_certificate else ("host", "port", "username", "password")
    if missing := [key for key in needed if key not in text]:
        raise AddressError(f"lacks {', '.join(missing)}")
    if not _is_port(text["port"]):
        raise AddressError("has a port that is not a number from 1 to 65535")
    if text.get("tls", "true") not in ("true", "false"):
        raise AddressError("has a tls that is neither true nor false")
    if ("tls.crt" in text) != ("tls.key" in text):
        raise AddressError("has one of tls.crt and tls.key without the other")
    if text.get("tls") == "false" and (tls or "ca.crt" in text or "tls.crt" in text):
        raise AddressError("has tls false beside a certificate for TLS")
    implied = "ca.crt" in text or "tls.crt" in text or int(text["port"]) == PORTS["amqps"]
    return {
        "host": text["host"],
        "port": int(text["port"]),
        "username": text.get("username", ""),
        "password": text.get("password", ""),
        "vhost": text.get("vhost") or "/",
        "tls": tls or (text["tls"] == "true" if "tls" in text else implied),
    }


def _connection_string(uri: str) -> dict[str, str]:
    """What a Secret's connection_string says, under the names of the keys; nothing where it is no AMQP URL."""
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
        "tls": "true" if url.scheme == "amqps" else "",
    }
    return {key: value for key, value in found.items() if value}


def _is_port(text: str) -> bool:
    # isdigit() takes "²", of which int() makes no number.
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BrokerFilesError(f"{path} cannot be read: {reason}") from None

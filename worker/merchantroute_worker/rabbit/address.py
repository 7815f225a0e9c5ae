"""The broker's address and credentials, from files mounted from a Secret, from an AMQP URL, or from the Secret itself.

One value for pods, client and command line. Mounted files are read again at each connect, so that a rotated password
needs no restart: the next connection uses it.
"""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
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

    `ca` is a file with the certificate authority to trust, None for the machine's own ones; `ca_text` is such a file's
    content, in PEM, where there is no file yet. `certified_name` is the name in the broker's certificate where it is
    not `host`, as behind a forwarded port.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str = "/"
    tls: bool = False
    ca: str | None = None
    ca_text: str | None = field(default=None, repr=False)
    certified_name: str | None = None

    @classmethod
    def from_files(cls, directory: Path, ca: str | None = None) -> Self:
        """Read the mounted files; a ca.crt among them, or a `ca`, means TLS. BrokerFilesError names a file at fault."""
        mounted = directory / "ca.crt"
        ca = ca or (str(mounted) if mounted.exists() else None)
        port = _text(directory / "port")
        if not _is_port(port):
            raise BrokerFilesError(f"{directory}/port is {port[:20]!r}, not a number from 1 to 65535")
        vhost = directory / "vhost"
        return cls(
            host=_text(directory / "host"),
            port=int(port),
            username=_text(directory / "username"),
            password=_text(directory / "password"),
            vhost=(_text(vhost) or "/") if vhost.exists() else "/",
            tls=ca is not None,
            ca=ca,
        )

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
        missing = [key for key in ("host", "port", "username", "password") if not text.get(key)]
        if missing:
            raise AddressError(f"lacks {', '.join(missing)}")
        if not _is_port(text["port"]):
            raise AddressError("has a port that is not a number from 1 to 65535")
        certificate = text.get("ca.crt")
        return cls(
            host=text["host"],
            port=int(text["port"]),
            username=text["username"],
            password=text["password"],
            vhost=text.get("vhost") or "/",
            tls=bool(certificate or ca),
            ca=ca,
            ca_text=None if ca else certificate,
        )

    def __str__(self) -> str:
        return f"{self.username}@{self.netloc}{'/' if self.vhost == '/' else '/' + self.vhost}"

    @property
    def netloc(self) -> str:
        """Host and port as py-amqp expects them: an IPv6 address in brackets and in lower case."""
        return f"[{self.host.lower()}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def ssl(self) -> dict[str, Any] | bool:
        """Give py-amqp's `ssl` argument; certificate and name are always checked."""
        if not self.tls:
            return False
        name = self.certified_name or self.host
        return {"ca_certs": self.ca, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": name}


def _is_port(text: str) -> bool:
    # isdigit() takes "²", of which int() makes no number.
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BrokerFilesError(f"{path} cannot be read: {reason}") from None

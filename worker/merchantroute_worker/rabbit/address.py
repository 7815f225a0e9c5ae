"""Where the broker is and who we are there: files mounted from a Secret, read again at every connect.

So a rotated password needs no restart: the next connection uses it.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amqp.exceptions import AMQPError

ERRORS: tuple[type[Exception], ...] = (AMQPError, OSError)
"""What a broker or the network to it can raise; ssl.SSLError and time-outs are OSErrors."""


class BrokerFilesError(OSError):
    """The files do not say where the broker is; the text names the file."""


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """Address and credentials of one broker."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str = "/"
    ca: str | None = None

    def __str__(self) -> str:
        return f"{self.username}@{self.host}:{self.port}{'/' if self.vhost == '/' else '/' + self.vhost}"

    def tls(self) -> dict[str, Any] | bool:
        """py-amqp's `ssl` argument: the broker's certificate is checked against the mounted authority."""
        if self.ca is None:
            return False
        return {"ca_certs": self.ca, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": self.host}


def read(directory: Path) -> BrokerAddress:
    """Read the mounted files; BrokerFilesError when one is missing or makes no sense."""
    ca = directory / "ca.crt"
    port = _text(directory / "port")
    if not port.isdigit():
        raise BrokerFilesError(f"{directory}/port is {port!r}, not a number")
    vhost = directory / "vhost"
    return BrokerAddress(
        host=_text(directory / "host"),
        port=int(port),
        username=_text(directory / "username"),
        password=_text(directory / "password"),
        vhost=(_text(vhost) or "/") if vhost.exists() else "/",
        ca=str(ca) if ca.exists() else None,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BrokerFilesError(f"{path} cannot be read: {reason}") from None

"""A plain connection to the broker, and what its errors mean for a person."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import amqp
from amqp.exceptions import AccessRefused, AMQPError, MessageNacked, NotAllowed

from merchantroute_worker.cli.addresses import Address
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.non_utf8 import readable

ERRORS: tuple[type[Exception], ...] = (AMQPError, MessageNacked, OSError)
CONNECTING = 10.0  # seconds
HEARTBEAT = 60
_LOGIN = (10, 11)  # Connection.start_ok, the method that a broker refuses together with a wrong password


@contextmanager
def connected(address: Address, purpose: str) -> Iterator[amqp.Connection]:
    """A connection for the time of the block, named for the broker's list of them. Its errors become Problems."""
    readable()
    try:
        connection = amqp.Connection(
            host=f"{address.host}:{address.port}",
            userid=address.username,
            password=address.password,
            login_method="PLAIN",
            virtual_host=address.vhost,
            ssl=_tls(address),
            heartbeat=HEARTBEAT,
            connect_timeout=CONNECTING,
            client_properties={"connection_name": f"merchantroute dead {purpose}"},
        )
        try:
            connection.connect()
            yield connection
        except BaseException:
            connection.collect()  # at once: a goodbye would wait for an answer that may never come
            raise
        with suppress(*ERRORS):
            connection.close()
    except ERRORS as error:
        raise Problem(explain(error, address)) from None


def explain(error: Exception, address: Address) -> str:
    """One line: what is wrong, and what to do."""
    told = getattr(error, "reply_text", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        return f"TLS with the broker {address} failed: {told}; give its authority with --ca, or its plain port"
    if isinstance(error, AccessRefused) and tuple(error.method_sig or ()) in {_LOGIN, (0, 0), (10, 50)}:
        return f"the broker {address} refuses these credentials: check user and password"
    if isinstance(error, AccessRefused):
        return f"the broker refuses {address.username} the rights that this needs: {told}"
    if isinstance(error, NotAllowed):
        return f"the broker {address} does not let {address.username} into that virtual host: {told}"
    if isinstance(error, socket.gaierror):
        return (
            f"the broker's host {address.host} is not known here: {told}; inside the cluster only? Leave out --broker, "
            "or forward its port (`kubectl port-forward`) and give --broker amqp://…@127.0.0.1:PORT"
        )
    if isinstance(error, AMQPError | MessageNacked):
        return f"the broker {address} ended the conversation: {told}; start again, nothing is lost"
    return f"the broker {address} cannot be reached: {told}; is it running, and is that the right port?"


def _tls(address: Address) -> dict[str, Any] | bool:
    """py-amqp's `ssl` argument: the certificate and its name are checked, by `ca` or the system's authorities."""
    if not address.tls:
        return False
    name = address.certified or address.host
    return {"ca_certs": address.ca, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": name}

"""A connection to the broker for the time of a command, and its errors in a person's words."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import amqp
from amqp.exceptions import AccessRefused, AMQPError, MessageNacked, NotAllowed

from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.address import SOCKET_SETTINGS, BrokerAddress
from merchantroute_worker.rabbit.non_utf8 import read_non_utf8

ERRORS: tuple[type[Exception], ...] = (AMQPError, MessageNacked, OSError)
CONNECTING = 10.0  # seconds
HEARTBEAT = 60
_LOGIN = (10, 11)  # Connection.start_ok, the method that a broker refuses together with a wrong password


@contextmanager
def connected(address: BrokerAddress, purpose: str) -> Iterator[amqp.Connection]:
    """Connect for the time of the block; `purpose` shows in RabbitMQ's list of connections. Errors become Problems."""
    read_non_utf8()
    try:
        connection = amqp.Connection(
            host=address.netloc,
            **address.login(),
            virtual_host=address.vhost,
            ssl=address.ssl(),
            heartbeat=HEARTBEAT,
            connect_timeout=CONNECTING,
            socket_settings=SOCKET_SETTINGS,
            client_properties={"connection_name": f"merchantroute dead {purpose}"},
        )
        try:
            connection.connect()
            yield connection
        except BaseException:
            connection.collect()  # at once: the closing handshake would wait for an answer that may never come
            raise
        with suppress(*ERRORS):
            connection.close()
    except ERRORS as error:
        raise Problem(explain(error, address)) from None


def explain(error: Exception, address: BrokerAddress) -> str:
    """Say in one line what is wrong, and what to do."""
    detail = getattr(error, "reply_text", None) or getattr(error, "strerror", None) or str(error)
    detail = detail or type(error).__name__
    if isinstance(error, ssl.SSLError):
        return f"TLS with the broker {address} failed: {detail}; give its authority with --ca, or its plain port"
    if isinstance(error, AccessRefused) and tuple(error.method_sig or ()) in {_LOGIN, (0, 0), (10, 50)}:
        return f"the broker {address} refuses these credentials: check user and password"
    if isinstance(error, AccessRefused):
        return f"the broker refuses {address.user} the rights that this needs: {detail}"
    if isinstance(error, NotAllowed):
        return f"the broker {address} does not let {address.user} into that virtual host: {detail}"
    if isinstance(error, socket.gaierror):
        return (
            f"the broker's host {address.host} is not known here: {detail}; inside the cluster only? Leave out "
            "--broker, or forward its port (`kubectl port-forward`) and give --broker amqp://…@127.0.0.1:PORT"
        )
    if isinstance(error, AMQPError | MessageNacked):
        return f"the broker {address} ended the conversation: {detail}; start again, nothing is lost"
    return f"the broker {address} cannot be reached: {detail}; is it running, and is that the right port?"

"""A kombu connection to the broker as its mounted files describe it, for the consumer and for what tasks send."""

from typing import Any

from kombu import connection

from merchantroute_worker.rabbit.address import BrokerAddress

_CONNECTION: Any = connection.Connection  # kombu ships inline types only in part
CONNECTING = 10  # seconds


def connect(where: BrokerAddress, *, heartbeat: int = 0, **transport_options: Any) -> Any:
    """The connection, not yet established. `heartbeat` is in seconds, 0 for none."""
    return _CONNECTION(
        transport="pyamqp",
        hostname=where.host,
        port=where.port,
        userid=where.username,
        password=where.password,
        virtual_host=where.vhost,
        ssl=where.tls(),
        login_method="PLAIN",
        heartbeat=heartbeat,
        connect_timeout=CONNECTING,
        transport_options=transport_options,
    )

"""kombu connections to the broker, for the consumer and for what tasks publish through Celery."""

from typing import Any

from kombu import connection

from merchantroute_worker.rabbit.address import SOCKET_SETTINGS, BrokerAddress

_CONNECTION: Any = connection.Connection  # kombu ships inline types only in part
CONNECT_TIMEOUT = 10  # seconds


def connect(address: BrokerAddress, *, heartbeat: int = 0, **transport_options: Any) -> Any:
    """Make a kombu connection, not yet established. `heartbeat` is in seconds, 0 for none."""
    return _CONNECTION(
        transport="pyamqp",
        hostname=address.host,
        port=address.port,
        virtual_host=address.vhost,
        ssl=address.ssl(),
        **address.login(),
        heartbeat=heartbeat,
        connect_timeout=CONNECT_TIMEOUT,
        transport_options={"socket_settings": SOCKET_SETTINGS, **transport_options},
    )

"""The broker's address, and a connection that outlives the broker's hiccups."""

from dataclasses import dataclass, field

import aio_pika
from aio_pika.abc import AbstractConnection

from merchantroute_kit.errors import StepFailed


@dataclass(frozen=True)
class Broker:
    """Addresses and credentials; `management` is the management plugin's URL without a trailing slash."""

    host: str
    port: int
    management: str
    username: str
    password: str = field(repr=False)
    vhost: str = "/"


async def connect(broker: Broker, *, robust: bool = True) -> AbstractConnection:
    """A connection; a robust one reconnects by itself and consumes again. StepFailed if the first attempt fails."""
    dial = aio_pika.connect_robust if robust else aio_pika.connect
    try:
        return await dial(
            host=broker.host,
            port=broker.port,
            login=broker.username,
            password=broker.password,
            virtualhost=broker.vhost,
            timeout=10,
            client_properties={"connection_name": "merchantroute-demo"},
        )
    except (OSError, aio_pika.exceptions.AMQPError) as error:
        raise StepFailed(
            "connect to RabbitMQ",
            f"{broker.host}:{broker.port} answered {error!r}",
            "Look at `kubectl -n orders get pods` and the logs of the pod rabbitmq-pos-0",
        ) from error

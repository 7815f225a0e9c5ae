"""How long the worker's connections to the broker bear a network that is silent."""

import socket

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_worker.cli.connection import connected
from merchantroute_worker.rabbit import publisher
from merchantroute_worker.rabbit.address import BrokerAddress
from merchantroute_worker.rabbit.connection import connect


def test_every_connection_bears_15_seconds_without_an_ack(vhost: Vhost) -> None:
    address = BrokerAddress(
        host=vhost.host, port=vhost.port, username=vhost.username, password=vhost.password, vhost=vhost.name
    )
    consuming = connect(address, confirm_publish=True)
    consuming.connect()
    publishing = publisher._connection(address, "publisher", None, None)
    with connected(address, "test") as of_a_command:
        connections = (consuming.connection, publishing, of_a_command)
        borne = [one.transport.sock.getsockopt(socket.SOL_TCP, socket.TCP_USER_TIMEOUT) for one in connections]
    consuming.release()
    publishing.close()

    assert borne == [15_000] * 3

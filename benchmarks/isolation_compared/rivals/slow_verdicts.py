"""When pods found which merchants slow, by the pulses that they send to the operator."""

import json
import time
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import amqp

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology

_PULSES = "mr-pulses."


class SlowVerdicts:
    """Hears the pulses of a virtual host beside the operator, until it is closed."""

    def __init__(self, vhost: Vhost) -> None:
        self._connection = topology.connect(vhost, confirm=False)
        self._channel = self._connection.channel()
        self._queue = self._channel.queue_declare(exclusive=True, arguments={"x-queue-type": "classic"}).queue
        for exchange in vhost.api("GET", f"exchanges/{vhost.name}"):
            if exchange["name"].startswith(_PULSES):
                self._channel.queue_bind(self._queue, exchange["name"])
        self._first: dict[str, dict[str, float]] = {}
        self._ending = Event()
        self._channel.basic_consume(self._queue, no_ack=True, callback=self._heard)
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def found(self, pods: int) -> dict[str, float]:
        """Merchant -> when (epoch seconds) the last of so many pods had first said that it is slow."""
        return {
            merchant: sorted(by_pod.values())[pods - 1]
            for merchant, by_pod in self._first.copy().items()
            if len(by_pod) >= pods
        }

    def close(self) -> None:
        """Hear no more."""
        self._ending.set()
        self._thread.join()
        with suppress(OSError, amqp.AMQPError):
            self._connection.close()

    def _listen(self) -> None:
        with suppress(OSError, amqp.AMQPError):
            while not self._ending.is_set():
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=0.5)

    def _heard(self, message: Any) -> None:
        pulse = json.loads(message.body)
        for each in pulse.get("merchants", ()):
            if each["slow"]:
                self._first.setdefault(each["merchant"], {}).setdefault(pulse["pod"], time.time())

"""A user of `merchantroute dead`, and the dead letters of a real broker that they work on."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import amqp
from click.testing import CliRunner, Result

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_worker.cli.main import main
from merchantroute_worker.rabbit.non_utf8 import read_non_utf8

ROOT = Path(__file__).resolve().parents[3]
DOOR, DEAD, LANE = topology.FRONT, topology.DEAD, topology.QUEUE
# What the broker itself writes on a message each time that it hands it out.
BROKERS_OWN = ("x-delivery-count", "x-acquired-count")
STEPS = [{"name": name, "method": "POST", "path": f"/{name}"} for name in ("validate", "submit")]

Message = dict[str, Any]


class DeadLetterUser:
    """One route. Letters are buried as a worker would, then looked at and moved by `merchantroute dead`."""

    def __init__(self, vhost: Vhost) -> None:
        self.vhost = vhost
        self.place = {"MR_BROKER": f"{vhost.amqp_url}", "MR_ROUTE": f"{topology.NAMESPACE}/{topology.ROUTE}"}
        topology.declare(vhost, (200, 700))
        self._connection = topology.connect(vhost)
        self._channel = self._connection.channel()

    def bury(self, count: int, reason: str = "max-age", *, merchant: str = "bistro", name: str = "o") -> set[str]:
        """So many letters with a reason, each published a millisecond after the one before; their ids."""
        ids = [f"{name}-{number}" for number in range(count)]
        before = self.ready()
        with topology.connect(self.vhost, confirm=False) as connection:
            channel = connection.channel()
            first = round((time.time() - 3600) * 1000)
            for published_ms, order_id in enumerate(ids, first):
                letter = _letter(order_id, reason, published_ms)
                channel.basic_publish(letter, exchange=DEAD, routing_key=merchant)
        self.until_ready(before + count)
        return set(ids)

    def send(self, body: bytes, routing_key: str, exchange: str = DEAD, **properties: Any) -> None:
        """Publish any message, confirmed."""
        given = {"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2, **properties}
        self._channel.basic_publish(amqp.Message(body, **given), exchange=exchange, routing_key=routing_key)

    def run(self, *arguments: str, **env: str) -> Result:
        """`merchantroute dead …`, in this process."""
        return CliRunner(env={**self.place, **env}).invoke(main, ["dead", *arguments], catch_exceptions=False)

    def ok(self, *arguments: str) -> str:
        """The same; its output, where it must succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The same in a process of its own, which can be killed."""
        command = [sys.executable, "-m", "merchantroute_worker.cli", "dead", *arguments]
        env = {**os.environ, **self.place, "PYTHONPATH": str(ROOT / "worker")}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=env, text=True) as child:
            try:
                yield child
            finally:
                child.kill()

    def ready(self, queue: str = DEAD) -> int:
        """Messages that nobody holds."""
        return int(self._channel.queue_declare(queue, passive=True).message_count)

    def until_ready(self, count: int, queue: str = DEAD) -> None:
        """Wait until so many are there: the broker has taken back what a process that ended had held."""
        until(lambda: self.ready(queue) == count, f"{count} messages in {queue}, free")

    def contents(self, queue: str = DEAD) -> list[Message]:
        """All messages, by id, as they are; they are put back."""
        read_non_utf8()  # the command line runs in a process of its own as well as in this one
        with topology.connect(self.vhost) as connection:
            channel = amqp.Channel(connection, auto_decode=False)
            channel.open()
            found = []
            while message := channel.basic_get(queue):
                found.append(_plain(message))
            count = len(found)
        self.until_ready(count, queue)
        return sorted(found, key=lambda each: str(each["id"]))

    def ids(self, queue: str = DEAD) -> list[str]:
        """Their order ids."""
        return [each["id"] for each in self.contents(queue)]

    def close_the_door(self) -> None:
        """What the operator does first when a route goes."""
        self._channel.exchange_delete(DOOR)

    def take_the_way_on(self) -> None:
        """A router that leads nowhere."""
        self._channel.queue_unbind(LANE, LANE)

    def hand_back(self, times: int) -> None:
        """Deliver the lane's only order so often, and return it each time, as a pod that dies does."""
        for _ in range(times):
            message = until(lambda: self._channel.basic_get(LANE), "the order comes again")
            self._channel.basic_reject(message.delivery_tag, requeue=True)
        until(self.ready, "the broker buries the order")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Somebody else looks at all letters."""
        with topology.connect(self.vhost) as connection:
            seen: list[amqp.Message] = []
            connection.channel().basic_consume(DEAD, callback=seen.append)
            while len(seen) < self.ready() + len(seen):
                connection.drain_events(timeout=30)
            yield

    def close(self) -> None:
        self._connection.close()


def _letter(order_id: str, reason: str, published_ms: int) -> amqp.Message:
    """What a worker makes of an order after eight attempts at its second step."""
    done = {"v": 1, "steps": STEPS, "done": ["validate"], "attempts": 8, "refusals": 1}
    body = [[], {"order": {"id": order_id, "items": ["soup"]}}, {"merchantroute": done}]
    headers = {
        "task": "merchantroute.order",
        "id": order_id,
        "mr-reason": reason,
        "mr-step": "submit",
        "mr-attempts": 8,
        "mr-answer-class": "timeout",
        "mr-published-at": published_ms,
    }
    return amqp.Message(
        json.dumps(body).encode(),
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        correlation_id=order_id,
        application_headers=headers,
    )


def _plain(message: amqp.Message) -> Message:
    properties = dict(message.properties)
    headers: Mapping[str, Any] = properties.pop("application_headers", None) or {}
    return {
        "id": properties.get("correlation_id"),
        "merchant": message.delivery_info["routing_key"],
        "exchange": message.delivery_info["exchange"],
        "body": bytes(message.body or b""),
        "headers": {name: value for name, value in headers.items() if name not in BROKERS_OWN},
        "properties": properties,
    }


def journal(message: Message) -> dict[str, Any]:
    """The journal in its body."""
    found: dict[str, Any] = json.loads(message["body"])[2]["merchantroute"]
    return found


def lines(output: str) -> Sequence[Any]:
    """Lines of JSON."""
    return [json.loads(line) for line in output.splitlines()]

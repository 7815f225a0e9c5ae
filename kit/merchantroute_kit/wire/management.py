"""A client of RabbitMQ's management API: messages in every queue, and how many went into the ladder.

Figures are up to 5 s old, and null for a queue of a few seconds: null is unknown, not nothing.
"""

from types import TracebackType
from typing import Any
from urllib.parse import quote

from aiohttp import BasicAuth, ClientError, ClientSession, ClientTimeout

from merchantroute_kit.errors import StepFailed
from merchantroute_kit.wire.broker import Broker


class Management:
    """An `async with` client of one vhost."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._vhost = quote(broker.vhost, safe="")
        self._http = ClientSession(auth=BasicAuth(broker.username, broker.password), timeout=ClientTimeout(total=10))

    async def __aenter__(self) -> "Management":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def messages(self, front_door: str) -> dict[str, int | None]:
        """Messages by queue, of all the queues of a route (`messages` also counts what ready and unacked leave out)."""
        queues = await self._get(f"/api/queues/{self._vhost}?columns=name,messages&disable_stats=false")
        return {queue["name"]: queue.get("messages") for queue in queues if queue["name"].startswith(f"{front_door}.")}

    async def published_into(self, exchanges: list[str]) -> dict[str, int]:
        """How many messages were ever published into each of these exchanges."""
        found = await self._get(f"/api/exchanges/{self._vhost}?columns=name,message_stats.publish_in")
        counts = {one["name"]: one.get("message_stats", {}).get("publish_in", 0) for one in found}
        return {name: counts.get(name, 0) for name in exchanges}

    async def _get(self, path: str) -> Any:
        try:
            async with self._http.get(self._broker.management + path) as answer:
                answer.raise_for_status()
                return await answer.json()
        except (ClientError, TimeoutError) as error:
            raise StepFailed(
                "ask RabbitMQ's management API",
                f"{self._broker.management}{path} answered {error!r}",
                "Is the plugin rabbitmq_management on, and the pod rabbitmq-pos-0 up?",
            ) from error


def queued(messages: dict[str, int | None], front_door: str) -> int | None:
    """Messages of all of a route's queues but dead letters; None while one of them is unknown."""
    total = 0
    for name, count in messages.items():
        if name != f"{front_door}.dead":
            if count is None:
                return None
            total += count
    return total

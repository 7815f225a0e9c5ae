"""A lane without a cluster: what operator and Kubernetes would do for it is done on this machine.

Broker objects are declared, files are mounted, workers are processes; a ledger by order id says what became of all.
"""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import amqp

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import mounted_files, topology
from merchantroute_kit.worker.worker_process import CeleryProcess, WorkerProcess


class LocalLane:
    """A lane with its merchants, workers and orders. `run` prefixes the order ids, so that no test sees another's."""

    def __init__(self, root: Path, vhost: Vhost, merchants: MerchantSim) -> None:
        self.root, self.vhost, self.merchants = root, vhost, merchants
        self.run = uuid.uuid4().hex[:8]
        self.connection = topology.connect(vhost)
        self.channel = self.connection.channel()
        self.workers: list[WorkerProcess] = []
        self.published: list[str] = []
        self.done: dict[str, list[dict[str, Any]]] = {}
        self.dead: dict[str, list[dict[str, Any]]] = {}
        self.returned: list[Any] = []
        self.channel.events["basic_return"].add(lambda *args: self.returned.append(args))
        self.limits: dict[str, Any] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.own_pods: list[str] = ["pod-0"]
        self.own_queues: dict[str, dict[str, Any]] = {}
        self.own_groups: list[dict[str, Any]] = []
        self.died_at: float | None = None
        self._generation, self._concurrency = 0, 20
        self._lock = threading.Lock()
        mounted_files.write_broker(root, vhost)

    def merchant(self, name: str, behaviour: str = "normal", **more: Any) -> str:
        """A merchant of this test's own, not yet in the configuration."""
        merchant = f"{name}-{self.run}"
        latency = {"p50_ms": 10, "p99_ms": 20}
        self.merchants.behave(merchant, behaviour, **{"latency": latency, **more})
        return merchant

    def configure(self, *merchants: str, concurrency: int = 20, credentials: Mapping[str, Any] | None = None) -> None:
        """Write the next generation, with these merchants added."""
        for merchant in merchants:
            self.known[merchant] = {"endpoint": self.merchants.endpoint(merchant)}
        for merchant, secret in (credentials or {}).items():
            self.known[merchant]["credentials"] = secret
        self._concurrency = concurrency
        self._write()

    @property
    def generation(self) -> int:
        """The newest generation of the configuration."""
        return self._generation

    def own(self, merchant: str, *parts: int, bound: bool = False, **more: Any) -> str:
        """Write the next generation, with this merchant's own queue and each pod's part of it; without parts it is left
        out. Gives the queue's name.
        """
        queue = topology.own_queue(merchant)
        self.own_queues.pop(merchant, None)
        if parts:
            entry = {"merchant": merchant, "queue": queue, "parts": list(parts), "bound": bound, **more}
            self.own_queues[merchant] = entry
        self._write()
        return queue

    def pod_died(self) -> None:
        """Tell the pods, as the operator does, that one of them died."""
        self.died_at = time.time()
        self._write()

    def work(self, concurrency: int | None = 20, *, arguments: Sequence[str] = (), **env: str) -> WorkerProcess:
        """Start a worker; without a concurrency it takes the tier's."""
        name = f"pod-{len(self.workers)}"
        given = [] if concurrency is None else ["--concurrency", str(concurrency)]
        worker = WorkerProcess(self.root, name, [*given, *arguments], env)
        self.workers.append(worker)
        return worker

    def celery(self, arguments: Sequence[str], **env: str) -> WorkerProcess:
        """Start a worker by Celery's own command line."""
        worker = CeleryProcess(self.root, f"celery-{len(self.workers)}", arguments, env)
        self.workers.append(worker)
        return worker

    def orders(self, merchant: str, count: int) -> list[str]:
        """Publish so many good orders; gives their ids."""
        ids = [f"{self.run}-{len(self.published) + n}" for n in range(count)]
        for order_id in ids:
            self.publish(merchant, order_id)
        return ids

    def publish(
        self,
        merchant: str,
        order_id: str,
        *,
        order: Any = None,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        exchange: str = topology.FRONT,
        **properties: Any,
    ) -> None:
        """Publish one message through the front door; whatever is given replaces what a good order would have."""
        good = {"id": order_id, "items": [{"name": "soup", "quantity": 1, "unit_price": 250}], "total": 250}
        content = [[], {"order": good if order is None else order}, {}] if body is None else body
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        message = amqp.Message(
            data,
            **{
                "correlation_id": order_id,
                "content_type": "application/json",
                "content_encoding": "utf-8",
                "delivery_mode": 2,
                "application_headers": {"task": "merchantroute.order", "id": order_id, **(headers or {})},
                **properties,
            },
        )
        self.channel.basic_publish(message, exchange=exchange, routing_key=merchant, mandatory=True)
        if self.returned:
            raise AssertionError("no queue took the order")
        self.published.append(order_id)

    def look(self) -> None:
        """Take in what was done and what died since the last look."""
        self.look_at_completions()
        while message := self.channel.basic_get(topology.DEAD, no_ack=True):
            headers = message.properties.get("application_headers") or {}
            body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
            letter = {"headers": headers, "body": body, "properties": message.properties}
            self.dead.setdefault(str(message.properties.get("correlation_id")), []).append(letter)

    def look_at_completions(self) -> None:
        """Take in what was done, and leave dead letters where they are."""
        while message := self.channel.basic_get(topology.COMPLETIONS, no_ack=True):
            record = json.loads(message.body)
            self.done.setdefault(record["order"], []).append(record)

    def until_done(self, ids: Sequence[str], seconds: float = 30.0) -> None:
        """Wait for the completion of all of them."""
        until(lambda: self._all(ids, self.done), f"{len(ids)} orders to be done", seconds)

    def until_some_done(self, count: int) -> None:
        """Wait until so many orders are done: the worker is in the middle of its work."""

        def enough() -> bool:
            self.look()
            return len(self.done) >= count

        until(enough, f"{count} orders to be done")

    def until_dead(self, ids: Sequence[str], seconds: float = 30.0) -> None:
        """Wait for all of them in dead letters."""
        until(lambda: self._all(ids, self.dead), f"{len(ids)} orders to be dead", seconds)

    def queued(self) -> int:
        """Messages in the lane and on its rungs, as the broker's management has it."""
        queues = self.vhost.api("GET", f"queues/{self.vhost.name}?columns=name,messages")
        ours = [queue for queue in queues if queue["name"].startswith(f"{topology.FRONT}.{topology.TIER}")]
        return sum(queue.get("messages") or 0 for queue in ours)

    def prefetch(self) -> int:
        """How many orders the broker lets the lane's one consumer hold; 0 while there is not exactly one."""
        queue = self.vhost.api("GET", f"queues/{self.vhost.name}/{topology.QUEUE}")
        counts = [consumer["prefetch_count"] for consumer in queue.get("consumer_details") or []]
        return int(counts[0]) if len(counts) == 1 else 0

    def unacked(self) -> int:
        """Orders that consumers hold."""
        queue = self.vhost.api("GET", f"queues/{self.vhost.name}/{topology.QUEUE}")
        return int(queue.get("messages_unacknowledged") or 0)

    def ledger(self) -> Counter[str]:
        """What became of every order, by distinct id; effects as the merchants saw them."""
        self.look()
        book: Counter[str] = Counter()
        receipts = self.merchants.receipts(self.run)
        steps = {step["name"] for step in mounted_files.STEPS}
        for order_id in self.published:
            seen = receipts.get(order_id, {})
            if order_id in self.done:
                book["done"] += 1
                complete = all(seen.get(step, {}).get("effects", 0) >= 1 for step in steps)
                book["done without its effects"] += not complete
            elif order_id in self.dead:
                book["dead"] += 1
            else:
                book["lost"] += 1
            book["doubled"] += any(step.get("effects", 0) > 1 for step in seen.values())
            book["copies"] += len(self.done.get(order_id, [])) + len(self.dead.get(order_id, [])) > 1
            book["repeated calls"] += any(step.get("receipts", 0) > 1 for step in seen.values())
        return +book

    def close(self) -> None:
        """Leave nothing behind."""
        for worker in self.workers:
            worker.close()
        self.connection.close()

    def _write(self) -> None:
        with self._lock:
            self._generation += 1
            mounted_files.write_config(
                self.root,
                generation=self._generation,
                concurrency=self._concurrency,
                merchants=self.known,
                limits=self.limits,
                died_at=self.died_at,
                own=self._own_document(),
            )

    def _own_document(self) -> dict[str, Any] | None:
        if not self.own_queues:
            return None
        tier = {"pods": self.own_pods, "queues": list(self.own_queues.values())}
        tier |= {"groups": self.own_groups} if self.own_groups else {}
        return {"v": 1, "tiers": {topology.TIER: tier}}

    def _all(self, ids: Sequence[str], seen: Mapping[str, Any]) -> bool:
        self.look()
        return all(order_id in seen for order_id in ids)

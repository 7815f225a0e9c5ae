"""Celery's side of the client: `install` lets an app's `delay`, `apply_async` and `send_task`, and beat, publish to a
route's front door: mandatory, confirmed, within a time limit, by one `Client` per process.

It alone of the client imports Celery, which the application has anyway. In a route's own pods it changes nothing: there
the worker sends tasks.
"""

import inspect
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from celery.utils.time import maybe_make_aware
from kombu import compression, serialization

from merchantroute_worker.client.message import PUBLISHED_AT, TASK, Message, checked, is_reserved
from merchantroute_worker.client.publishing import WITHIN, Client
from merchantroute_worker.client.results import BadOrder
from merchantroute_worker.client.settings import NotConfigured, front_door

_COMPRESSION: Any = compression  # kombu ships inline types only in part
_SERIALIZATION: Any = serialization
MerchantOf = Callable[[str, tuple[Any, ...], Mapping[str, Any]], str | None]
"""Finds the merchant of a task, given its name and arguments."""
_OWN_BROKER = ("amqp://", "amqps://", "pyamqp://")
# The route decides where a task goes; queues and exchanges that the app names are those of another deployment.
_DESTINATIONS = frozenset({
    "queue", "exchange", "exchange_type", "routing_key", "delivery_mode", "connection", "producer", "publisher",
    "router",
})  # fmt: skip


def install(
    app: Any,
    *,
    route: str | None = None,
    merchant: str | MerchantOf = "merchant",
    tasks: Iterable[str] = ("*",),
    broker: str | Path | None = None,
    ca: str | Path | None = None,
    within: float = WITHIN,
) -> None:
    """Let the app publish these tasks to the route's front door. Call it once, where the app is made.

    A task's merchant is the `routing_key` of the call, else its header `merchant`, else what `merchant` finds. A
    publish that no queue takes, or that is not confirmed in time, raises NotSafe; one of no merchant raises BadOrder.

    Args:
        app: the Celery app.
        route: "namespace/name", as for `Client`.
        merchant: the name of the argument that holds the merchant's id, or a function of the task's name, positional
            and keyword arguments.
        tasks: patterns of names, as "shop.orders.*". Celery's own (`celery.*`) never go to the route.
        broker: as for `Client`; where nothing else names one, the app's own, if it is RabbitMQ by amqp:// or amqps://.
        ca: as for `Client`.
        within: seconds that a publish may take; `timeout=` of a call is for that call.
    """
    app.send_task = FrontDoor(
        app, route=route, merchant=merchant, tasks=tuple(tasks), broker=broker, ca=ca, within=within
    )


class FrontDoor:
    """The callable that replaces an app's `send_task`: everything that Celery publishes goes through that."""

    def __init__(
        self,
        app: Any,
        *,
        route: str | None,
        merchant: str | MerchantOf,
        tasks: tuple[str, ...],
        broker: str | Path | None,
        ca: str | Path | None,
        within: float,
    ) -> None:
        self._app, self._send = app, app.send_task
        self._route, self._merchant, self._tasks = route, merchant, tasks
        self._broker, self._ca, self._within = broker, ca, within
        self._client: Client | None = None

    def __call__(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Publish, with the arguments of Celery's `send_task`."""
        # Whoever asks for mandatory has decided for himself where it goes, as the worker does in the route's pods.
        if options.get("mandatory") is not None or not self._is_for_the_route(name):
            return self._send(name, args, kwargs, **options)
        given = {key: options.pop(key, None) for key in _DESTINATIONS}
        headers = {key: value for key, value in (options.pop("headers", None) or {}).items() if not is_reserved(key)}
        merchant = given["routing_key"] or headers.get("merchant") or self._find(name, args, kwargs, options)
        if not isinstance(merchant, str) or not merchant:
            raise BadOrder(
                f"the task {name} names no merchant: give it an argument or a header `merchant`, or routing_key=, "
                "or install(app, merchant=...) a function that finds it"
            )
        # As a plain header: given an ETA, Celery would look for a route through queues that it declares itself.
        headers["eta"] = self._due(options.pop("countdown", None), options.pop("eta", None))
        decided = {
            "exchange": front_door(self._route, os.environ),
            "routing_key": merchant,
            "headers": headers,
            "mandatory": True,
            "delivery_mode": 2,
            "retry": False,
            "router": _AsGiven(),
            "producer": _Producer(self._app, self._shared_client),
        }
        return self._send(name, args, kwargs, **{**options, **decided})

    def _is_for_the_route(self, name: str) -> bool:
        return not name.startswith("celery.") and any(fnmatchcase(name, pattern) for pattern in self._tasks)

    def _find(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        args, kwargs = tuple(args or ()), dict(kwargs or {})
        if callable(self._merchant):
            return self._merchant(name, args, kwargs)
        if self._merchant in kwargs:
            return kwargs[self._merchant]
        if name == TASK and isinstance(kwargs.get("order"), Mapping):
            return kwargs["order"].get("merchant")
        task = options.get("task_type") or self._app.tasks.get(name)
        try:
            return inspect.signature(task.run).bind_partial(*args, **kwargs).arguments.get(self._merchant)
        except (AttributeError, TypeError, ValueError):
            return None  # a task that only others know, or arguments that it does not take

    def _due(self, countdown: Any, eta: Any) -> str | None:
        if countdown:
            return (datetime.now(UTC) + timedelta(seconds=countdown)).isoformat()
        if isinstance(eta, str):
            eta = datetime.fromisoformat(eta)
        return maybe_make_aware(eta, self._app.timezone).isoformat() if isinstance(eta, datetime) else None

    def _shared_client(self) -> Client:
        # Not made by `install`: a module that is imported without a broker at hand must be importable.
        if self._client is None:
            self._client = Client(broker=self._address(), route=self._route, ca=self._ca, within=self._within)
        return self._client

    def _address(self) -> str | Path | None:
        named = self._broker or os.environ.get("MR_BROKER") or os.environ.get("MR_BROKER_DIR")
        if named:
            return named
        url = self._app.conf.broker_write_url or self._app.conf.broker_url
        if not isinstance(url, str) or not url.startswith(_OWN_BROKER) or ";" in url or self._app.conf.broker_use_ssl:
            raise NotConfigured(
                "no broker: give install(app, broker=...) or set MR_BROKER; the app's own is not used, since it is not "
                "one amqp:// or amqps:// URL, or has broker_use_ssl"
            )
        return url.removeprefix("py")


class _AsGiven:
    """A router for one call: where it goes is decided."""

    def route(self, options: Any, *_: Any) -> Any:
        """Give the options as they are."""
        return options


class _Producer:
    """What Celery takes for a kombu producer. A task goes through the client, anything else to the app's own broker."""

    def __init__(self, app: Any, client: Callable[[], Client]) -> None:
        self._app, self._client = app, client
        self.connection = self

    def _reraise_as_library_errors(self) -> AbstractContextManager[None]:
        """Leave the client's errors as they are. Celery asks a producer's connection for this."""
        return nullcontext()

    @property
    def channel(self) -> Any:
        """A channel of the app's own broker: the result backend `rpc` declares its queue by it."""
        with self._app.producer_pool.acquire(block=True) as producer:
            return producer.channel

    def publish(self, body: Any, *, headers: dict[str, Any], **options: Any) -> None:
        """Publish a task's message, serialized as Celery asks, and return when a queue holds it."""
        if not options.get("mandatory"):  # the event `task-sent`
            with self._app.producer_pool.acquire(block=True) as producer:
                producer.publish(body, headers=headers, **options)
            return
        content_type, encoding, data = _SERIALIZATION.dumps(body, serializer=options.get("serializer"))
        data = data.encode(encoding) if isinstance(data, str) else data
        if options.get("compression"):
            data, headers["compression"] = _COMPRESSION.compress(data, options["compression"])
        published_at = int(time.time() * 1000)
        kept = {name: options[name] for name in ("priority", "reply_to") if options.get(name) is not None}
        message = Message(
            order_id=headers["id"],
            merchant=options["routing_key"],
            published_at=published_at,
            body=data,
            headers={**headers, PUBLISHED_AT: published_at},
            content_type=content_type,
            content_encoding=encoding,
            properties=kept,
        )
        self._client().publish_message(checked(message), within=options.get("timeout"))

"""A plain Celery app, written without this project: what a team already has."""

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Any

import requests
from celery import Celery
from celery.exceptions import Reject

app = Celery("shop", broker="amqp://nobody@nowhere//")
app.conf.task_routes = {"shop.*": {"queue": "somewhere-else"}}
app.conf.task_acks_late = False


def note(place: str, text: str) -> None:
    """Append a line, whole, for the test to read."""
    with Path(place).open("a", encoding="utf-8") as file:
        file.write(text + "\n")


def noted(place: str, text: str) -> int:
    """How often a line was written."""
    return Path(place).read_text(encoding="utf-8").splitlines().count(text) if Path(place).exists() else 0


@app.task(name="shop.cook")
def cook(dish: str, place: str) -> str:
    note(place, dish)
    return dish


@app.task(name="shop.retries", bind=True, max_retries=5)
def retries(self: Any, dish: str, place: str) -> None:
    note(place, f"try {dish}")
    if self.request.retries < 2:
        raise self.retry(countdown=0.3)
    note(place, f"{dish} for {self.request.delivery_info['routing_key']}")


@app.task(name="shop.autoretries", autoretry_for=(ConnectionError,), retry_backoff=2, retry_jitter=False)
def autoretries(dish: str, place: str) -> None:
    note(place, f"try {dish}")
    if noted(place, f"try {dish}") < 2:
        raise ConnectionError("the oven is cold")
    note(place, dish)


@app.task(name="shop.serve")
def serve(dish: str, place: str) -> None:
    note(place, f"served {dish}")


@app.task(name="shop.orders_more", bind=True)
def orders_more(self: Any, dish: str, place: str) -> None:
    cook.delay(f"more {dish}", place)
    cook.apply_async((f"later {dish}", place), countdown=2, queue="a-queue-of-old")
    note(place, f"{dish} by {self.request.delivery_info['routing_key']}")


@app.task(name="shop.fails", acks_late=False, acks_on_failure=True)
def fails() -> None:
    raise ValueError("there is no such dish")


@app.task(name="shop.rejects")
def rejects() -> None:
    raise Reject("not today", requeue=False)


@app.task(name="shop.calls_guarded")
def calls_guarded(url: str, place: str) -> None:
    from merchantroute_worker import guard

    with guard.session() as session:
        note(place, f"answered {session.get(url, timeout=10).status_code}")


@app.task(name="shop.calls")
def calls(url: str, place: str) -> None:
    requests.get(url, timeout=(60, 60))
    note(place, "answered")


@app.task(name="shop.kills")
def kills() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.stalls")
def stalls(seconds: float, keeps_interpreter: bool, place: str) -> None:
    """A call into C that gevent cannot see, as a driver makes it: with or without giving the interpreter free."""
    library = (ctypes.PyDLL if keeps_interpreter else ctypes.CDLL)(None)
    library.usleep(int(seconds * 1_000_000))
    note(place, "stalled")


@app.task(name="shop.blocks")
def blocks(seconds: float, place: str) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    note(place, "blocked")

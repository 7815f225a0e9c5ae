"""An app that its web process, beat and the route's pods import alike."""

import os
from pathlib import Path

from celery import Celery

from merchantroute_worker.client.celery import install

app = Celery("eatery", broker=os.environ.get("EATERY_BROKER", "amqp://nobody@nowhere//"))
app.conf.task_routes = {"eatery.*": {"queue": "somewhere-else"}}
app.conf.beat_schedule = {
    "soup of the day": {
        "task": "eatery.cook",
        "schedule": 0.5,
        "args": ("soup of the day", os.environ.get("EATERY_NOTES")),
        "kwargs": {"merchant": os.environ.get("EATERY_MERCHANT")},
    }
}
install(app, route="orders/pos", tasks=["eatery.*"])


@app.task(name="eatery.cook", bind=True)
def cook(self: object, dish: str, place: str, merchant: str) -> None:
    with Path(place).open("a", encoding="utf-8") as file:
        file.write(f"{dish} for {merchant}, under {self.request.delivery_info['routing_key']}\n")


@app.task(name="eatery.menu")
def menu(place: str, merchant: str) -> None:
    cook.delay("starter", place, merchant)

"""Publish a task of the app to a route's front door, from any Celery producer.

Usage: MR_BROKER=amqp://user:password@host:5672/vhost MR_ROUTE=orders/shop publish.py ORDER_ID MERCHANT
"""

import os
import sys
import time

from celery import Celery

app = Celery(broker=os.environ["MR_BROKER"])
app.conf.broker_transport_options = {"confirm_publish": True}  # or the broker may forget what it has accepted


def publish(order_id: str, merchant: str) -> None:
    """Return when a queue holds the task; raise if none does."""
    url = f"http://merchant-sim.merchants.svc:8080/m/{merchant}"
    order = {"id": order_id, "items": [{"name": "Ramen", "quantity": 1, "unit_price": 1250}], "total": 1250}
    with app.connection_for_write() as connection, connection.channel() as channel:
        app.send_task(
            "shop.forward",
            args=(url, order),
            task_id=order_id,
            correlation_id=order_id,
            exchange="mr." + os.environ["MR_ROUTE"].replace("/", "."),
            routing_key=merchant,
            headers={"mr-published-at": int(time.time() * 1000)},
            producer=app.amqp.Producer(channel, auto_declare=False),
            declare=[],
            mandatory=True,
            confirm_timeout=10,
            ignore_result=True,
        )


publish(sys.argv[1], sys.argv[2])

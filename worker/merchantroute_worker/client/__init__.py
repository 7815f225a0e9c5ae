"""Client for web applications: publishes orders with publisher confirms, mandatory, idempotent, within a time limit.

It imports neither gevent nor Celery, patches nothing, and works in plain threads, in patched servers and after a fork.
See docs/producing.md.
"""

from merchantroute_worker.client.message import Order
from merchantroute_worker.client.process_client import apublish, apublish_many, publish, publish_many
from merchantroute_worker.client.publishing import Client
from merchantroute_worker.client.results import BadOrder, NotAllSafe, NotSafe, Receipt
from merchantroute_worker.client.settings import NotConfigured

__all__ = [
    "BadOrder",
    "Client",
    "NotAllSafe",
    "NotConfigured",
    "NotSafe",
    "Order",
    "Receipt",
    "apublish",
    "apublish_many",
    "publish",
    "publish_many",
]

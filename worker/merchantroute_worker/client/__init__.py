"""Publishing orders from a web application: confirmed, mandatory, with a stable id, and with an end in time.

It imports neither gevent nor anything else of the worker's pods, patches nothing, and works in plain threads, in
patched servers and after a fork. See docs/producing.md.
"""

from merchantroute_worker.client.message import Order
from merchantroute_worker.client.publishing import Client, publish, publish_many
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
    "publish",
    "publish_many",
]

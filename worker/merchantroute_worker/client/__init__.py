"""Publishing orders from a web application: confirmed, mandatory, with a stable id, and with an end in time.

It imports neither gevent nor anything else of the worker's pods, patches nothing, and works in plain threads, in
patched servers and after a fork. See docs/producing.md.
"""

from merchantroute_worker.client.outcomes import BadOrder, NotAllSafe, NotSafe, Receipt
from merchantroute_worker.client.publishing import Client, publish, publish_many
from merchantroute_worker.client.settings import NotConfigured
from merchantroute_worker.client.writing import Order

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

"""Publish one order with MerchantRoute's client: `pip install 'merchantroute[client]'`, which brings py-amqp alone.

Usage: MR_BROKER=amqp://user:password@host:5672/vhost MR_ROUTE=orders/minimal publish.py ORDER_ID MERCHANT
"""

import sys

from merchantroute_worker.client import Client, NotSafe

order_id, merchant = sys.argv[1:3]
order = {"id": order_id, "items": [{"name": "Ramen", "quantity": 1, "unit_price": 1250}], "total": 1250}

client = Client(within=10.0)  # one for each process; broker and route are those of the environment
try:
    client.publish(order, merchant=merchant, order_id=order_id)  # returns when a queue holds it
except NotSafe as error:
    sys.exit(f"{error}")  # keep the order, and publish it again with the same id
finally:
    client.close()

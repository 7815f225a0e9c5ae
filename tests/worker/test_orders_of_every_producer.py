"""An order is carried, whoever published it: each way that docs/producing.md shows, to a real worker."""

import json
from dataclasses import replace

from merchantroute_kit.worker.local_lane import LocalLane
from tests.contract.docs.examples import ASYNCIO, BARE, CELERY, CLIENT, curl, python


def test_orders_of_client_asyncio_celery_bare_amqp_and_curl_are_done(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work().ready()
    soup = {"items": [{"name": "soup", "quantity": 1, "unit_price": 250}], "total": 250}

    for number, section in enumerate((CLIENT, ASYNCIO, CELERY, BARE)):
        example = python(section, lane.vhost)
        lane.published.append(f"{lane.run}-{number}")
        example.publish(lane.published[-1], merchant, {"id": lane.published[-1], **soup})
        example.close()
    request = curl()
    lane.published.append(f"{lane.run}-curl")
    text = json.dumps(request.body).replace("order-4711", lane.published[-1]).replace("burger-hut", merchant)
    assert replace(request, body=json.loads(text)).send(lane.vhost) == (200, '{"routed":true}')

    lane.until_done(lane.published)
    assert lane.ledger() == {"done": 5}

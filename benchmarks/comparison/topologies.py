"""The broker topology of each contender: quorum queues of the same safety, declared before orders are published."""

from typing import Any

from benchmarks.comparison.contender import MERCHANTS, Binding, Site
from merchantroute_kit.worker import mounted_files, topology

QUEUE = "orders"
_RUNGS = (1_000, 15_000, 120_000)
SAFE = {"x-queue-type": "quorum", "x-overflow": "reject-publish"}
LIMITS: dict[str, Any] = {
    "callTimeoutMs": 10_000,
    "deadlineMs": 30_000,
    "maxAttempts": 8,
    "delaysMs": list(_RUNGS),
    "maxInFlightPerMerchant": 50,
}


def route(site: Site, slots: int) -> Binding:
    """The worker's whole route, as the operator makes it, with the sample's limits and rungs; its mounted files."""
    topology.declare(site.vhost, _RUNGS)
    mounted_files.write_broker(site.root, site.vhost)
    known = {merchant: {"endpoint": f"{site.endpoint}/m/{merchant}"} for merchant in MERCHANTS}
    mounted_files.write_config(site.root, generation=1, concurrency=slots, merchants=known, limits=LIMITS)
    return Binding(topology.FRONT, topology.QUEUE, by_merchant=True)


def queue(site: Site, slots: int) -> Binding:
    """One queue, published to through the default exchange."""
    del slots
    return _declared(site, SAFE)


def dramatiq_queue(site: Site, slots: int) -> Binding:
    """The same with the arguments that Dramatiq declares its queue with, and insists on."""
    del slots
    return _declared(site, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{QUEUE}.XQ"})


def _declared(site: Site, arguments: dict[str, Any]) -> Binding:
    # A virtual host of the tests makes quorum queues of those that name no type.
    with topology.connect(site.vhost) as connection:
        connection.channel().queue_declare(QUEUE, durable=True, auto_delete=False, arguments=arguments)
    return Binding("", QUEUE)

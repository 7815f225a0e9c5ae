"""Entry point of ``merchantroute-operator``: waits for the Lease, then watches, reconciles and scales until it ends."""

from __future__ import annotations

from merchantroute_operator import ending_signals  # noqa: F401 - importing it installs the handlers

# isort: split
import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from merchantroute_operator import handlers, metrics
from merchantroute_operator.health import Health
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.lease import Terms, lead
from merchantroute_operator.kube.network.cluster_addresses import ClusterAddresses
from merchantroute_operator.kube.watching.secret_watches import SecretWatches
from merchantroute_operator.logs import log_json
from merchantroute_operator.naming import pulses_exchange
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.route_metrics import exported
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.settings import Settings
from merchantroute_operator.supervision import keep_running
from merchantroute_operator.watches.child_watches import child_watches
from merchantroute_operator.watches.watch_comparison import SILENCE, Heard, Watches, watch

logger = logging.getLogger(__name__)
PASSES_AT_ONCE = 32  # of one broker at most reconciler.PASSES_A_BROKER


async def operate(kube: KubeClient, settings: Settings, health: Health) -> None:
    """Be the active operator until kopf ends (SIGTERM) or the Lease is lost (cancelled); nothing else ends it."""
    cluster = await kube.cluster_id()
    board = PulseBoard(time.monotonic)
    dialer = Dialer(settings.brokers, ClusterAddresses(kube.api), settings.namespace)
    brokers = BrokerPool(pulses_exchange(cluster), board.put, dialer)
    ctx = Context(
        kube=kube,
        brokers=brokers,
        pulses=board,
        cluster=cluster,
        resync=settings.resync,
        monotonic=time.monotonic,
        wall=time.time,
    )
    secrets = SecretWatches(kube.api, settings.namespaces)
    reconciler = Reconciler(ctx, secrets.use)
    secrets.tell(reconciler.secret_changed)
    scaler = Scaler(
        ctx, reconciler.states, touch=reconciler.touch, update_status=reconciler.queue.add, tick=settings.tick
    )
    health.watch(scaler)
    metrics.watch_queue(lambda: reconciler.queue.depth, reconciler.queue.longest_wait)
    loops: dict[str, Callable[[], Awaitable[None]]] = {
        "reconciles": partial(reconciler.queue.run, PASSES_AT_ONCE),
        "scaler": scaler.run,
        "merchant statuses": reconciler.status_writer.run,
    }
    children = child_watches(kube.api, reconciler, settings.namespaces)
    loops |= {f"watch {number}": each.run for number, each in enumerate(children)}
    background = [asyncio.create_task(keep_running(name, loop)) for name, loop in loops.items()]
    heard = Heard()
    registry = handlers.registry(reconciler, heard, silence=SILENCE)
    watches = Watches(
        kube,
        heard,
        partial(watch, registry, settings.namespaces),
        gone=reconciler.deletion_missed,
        namespaces=settings.namespaces,
    )
    watching = asyncio.create_task(watches.run())
    try:
        with exported(reconciler.states):
            done, _ = await asyncio.wait({watching, *background}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (watching, *background):
            task.cancel()
        await asyncio.gather(watching, *background, return_exceptions=True)
        await secrets.close()
        await brokers.close()


async def run(settings: Settings, terms: Terms | None = None) -> None:
    """Serve probes and metrics at once, so that a standby is alive, and operate while the Lease is ours.

    ``terms`` are other than the Lease's usual ones where a machine is too slow for these.
    """
    metrics.serve(settings.metrics_port)
    health = Health()
    async with health.serve(settings.health_port), connect(on_call=metrics.kube_call) as kube:
        await lead(kube, settings, lambda: _lead(kube, settings, health), terms=terms)


async def _lead(kube: KubeClient, settings: Settings, health: Health) -> None:
    with metrics.leading():
        await operate(kube, settings, health)


def main() -> None:
    """Entry point of the program."""
    settings = Settings.from_env()
    log_json()
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()

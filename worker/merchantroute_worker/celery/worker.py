"""Celery's Worker with a graceful shutdown that loses no order.

SIGTERM, SIGINT and SIGQUIT mean the same: consume nothing more, finish the orders in flight within the grace period,
hand back the others. Celery's cold and soft shutdowns kill greenlets and ack their messages.
"""

import logging
import os
from functools import partial
from typing import Any

from celery.apps.worker import Worker
from celery.worker import state

from merchantroute_worker.celery.logging_signals import keep_logging, send_after_setup
from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.ending_signals import ending_signals
from merchantroute_worker.runtime.threads import sleep, start_daemon

log = logging.getLogger(__name__)
MARGIN = 2.0


class RouteWorker(Worker):
    """The Celery worker of one pod."""

    mr_pod: Pod

    def install_platform_tweaks(self, _worker: Any) -> None:
        """Take over the signals, which ended the process at once until now; none of Celery's handlers is installed."""
        ending_signals.hand_over(self._on_ending_signal)

    def setup_logging(self, colorize: bool | None = None) -> Any:
        """Keep logging as the launcher configured it, and let the app add to it."""
        keep_logging()
        receivers = super().setup_logging(colorize)
        send_after_setup(receivers, app=self.app, loglevel=self.loglevel)
        return receivers

    def should_use_eventloop(self) -> bool:
        """Disable Celery's event loop: it acks when it likes, and its pools may be called from that loop only. In the
        blocking loop one thread reads the connection, and any thread may ack.
        """
        return False

    def set_process_status(self, info: str) -> None:
        """Do nothing: Celery would rename the process, which hides its arguments in `ps`."""

    def _on_ending_signal(self, name: str) -> None:
        if self.mr_pod.stopping.is_set():
            return
        self.mr_pod.stopping.set()
        state.should_stop = 0
        start_daemon(partial(self._enforce_grace, name), "ending")

    def _enforce_grace(self, name: str) -> None:
        grace = self.mr_pod.grace
        log.info("%s: no new orders, up to %g s for those in flight", name, grace)
        self.mr_pod.readiness.waiting_for("shutting down")
        deliveries = self.consumer.deliveries
        sleep(max(0.0, grace - MARGIN))
        deliveries.hand_back(ending=True)
        sleep(MARGIN)
        self.mr_pod.grace_is_over = True
        deliveries.abandon()
        sleep(MARGIN)
        # Threads cannot be killed, and Celery would wait for them. Their messages are still unacked at the broker.
        os._exit(0)

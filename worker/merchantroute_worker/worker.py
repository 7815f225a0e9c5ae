"""Celery's own worker, run in this process, with signals that never cost an order.

SIGTERM, SIGINT and SIGQUIT all mean the same: take nothing more, finish what is in flight within the grace, hand back
the rest. Celery's cold and soft shutdowns kill greenlets and ack their messages.
"""

import logging
import signal
from typing import Any

import gevent
from celery.apps.worker import Worker
from celery.worker import state

from merchantroute_worker.pod import Pod

log = logging.getLogger(__name__)
LAST_SECONDS = 2.0


class RouteWorker(Worker):
    """The worker of one lane's pod."""

    mr_pod: Pod

    def install_platform_tweaks(self, _worker: Any) -> None:
        """Instead of Celery's signal handlers. gevent runs these in a greenlet of the hub's, at once."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            gevent.signal_handler(number, self._end, signal.Signals(number).name)

    def set_process_status(self, info: str) -> None:
        """Celery renames the process, which hides its arguments from people."""

    def _end(self, name: str) -> None:
        if self.mr_pod.stopping.is_set():
            return
        grace = self.mr_pod.grace
        log.info("%s: no new orders, up to %g s for those in flight", name, grace)
        self.mr_pod.stopping.set()
        self.mr_pod.status.waiting("shutting down")
        state.should_stop = 0
        gevent.spawn(self._bound, grace)

    def _bound(self, grace: float) -> None:
        fleet = self.consumer.fleet
        gevent.sleep(max(0.0, grace - LAST_SECONDS))
        fleet.hand_back()
        gevent.sleep(LAST_SECONDS)
        fleet.abandon()

"""A Celery loader for pods that run Celery's own command line: any app, unchanged, consuming the lane's queue with safe
settings.

Celery loads the class that `CELERY_LOADER` names. The operator sets it where a lane has a command of its own:

    celery -A shop.gcelery worker --concurrency=200 --pool gevent --loglevel=info --without-mingle
"""

import os
from typing import Any

from celery.loaders.app import AppLoader

from merchantroute_worker.celery.rpc_results import BACKENDS
from merchantroute_worker.celery.settings import safe_settings
from merchantroute_worker.config import identity
from merchantroute_worker.runtime.ending_signals import ending_signals


class LaneLoader(AppLoader):
    """Celery's AppLoader, which applies our settings after the app's own."""

    override_backends = BACKENDS

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        ending_signals.install_unless_handled()
        # Celery's command line reads some of its defaults from the settings before it creates the worker.
        app.on_after_configure.connect(self._on_configured, weak=False)

    def on_worker_init(self) -> None:
        """Apply the settings again: an app may have changed them since they were first read."""
        super().on_worker_init()
        self._make_safe()
        from merchantroute_worker.celery.order_task import TASK, OrderTask

        if TASK not in self.app.tasks:
            self.app.register_task(OrderTask())

    def _on_configured(self, **_: Any) -> None:
        self._make_safe()

    def _make_safe(self) -> None:
        self.app.conf.update(safe_settings(identity.from_environment(os.environ).queue))

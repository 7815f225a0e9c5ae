"""Celery's own command line in a lane's pod: any app, unchanged, on the lane's queue, with settings that lose no order.

Celery makes an app's loader as `CELERY_LOADER` names it. The operator sets that where a lane has a command of its own:

    celery -A shop.gcelery worker --concurrency=200 --pool gevent --loglevel=info --without-mingle
"""

import os
from typing import Any

from celery.loaders.app import AppLoader

from merchantroute_worker.celery.settings import safe_settings
from merchantroute_worker.config import identity


class LaneLoader(AppLoader):
    """Celery's own loader, and a last word on the app's settings."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        # Celery's command line takes some of its defaults from the settings before the worker is made.
        app.on_after_configure.connect(self._on_configured, weak=False)

    def on_worker_init(self) -> None:
        """Once more: an app may have set what it likes since its settings were first read."""
        super().on_worker_init()
        self._make_safe()
        from merchantroute_worker.celery.order_task import TASK, OrderTask

        if TASK not in self.app.tasks:
            self.app.register_task(OrderTask())

    def _on_configured(self, **_: Any) -> None:
        self._make_safe()

    def _make_safe(self) -> None:
        self.app.conf.update(safe_settings(identity.from_environment(os.environ).queue))

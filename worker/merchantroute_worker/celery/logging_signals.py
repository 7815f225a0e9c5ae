"""Celery's logging signals under the launcher, which has configured logging before Celery would.

Celery configures logging unless its signal `setup_logging` has a receiver, and sends `after_setup_logger` and
`after_setup_task_logger` only if it did so itself. Apps add handlers and filters there.
"""

import logging
from typing import Any

from celery import signals
from celery.utils.log import task_logger


def keep_logging() -> None:
    """Stop Celery from configuring logging."""
    signals.setup_logging.connect(_keep, weak=False)


def send_after_setup(receivers: Any, *, app: Any, loglevel: int) -> None:
    """Send the signals that follow Celery's own configuration. `receivers` are those of `setup_logging`, with their
    responses: None if logging was set up before. An app that has one configures logging itself, and gets neither.
    """
    if not receivers or any(receiver is not _keep for receiver, _ in receivers):
        return
    given = {"loglevel": loglevel, "logfile": None, "colorize": False}
    conf = app.conf
    signals.after_setup_logger.send(sender=None, logger=logging.getLogger(), format=conf.worker_log_format, **given)
    task_format = conf.worker_task_log_format
    signals.after_setup_task_logger.send(sender=None, logger=task_logger, format=task_format, **given)


def _keep(**_: Any) -> None:
    """Receive the signal; that is all it takes."""

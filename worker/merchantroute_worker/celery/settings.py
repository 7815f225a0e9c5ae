"""The Celery settings that keep orders safe, applied over an app's own.

Celery's defaults ack before the task runs, ack failures, declare queues, prefetch four times the concurrency, answer
remote control from every pod, and wait for ever for a connection of the pool.
"""

from typing import Any

from kombu import entity

from merchantroute_worker.rabbit.address import SOCKET_SETTINGS

_QUEUE: Any = entity.Queue  # kombu ships inline types only in part


def safe_settings(queue: str, *, cancel: bool = True) -> dict[str, Any]:
    """Settings for a worker that consumes exactly one queue and declares nothing. `cancel` ends tasks whose connection
    was lost, which is impossible with threads.
    """
    return {
        "task_acks_late": True,
        "task_acks_on_failure": False,
        "task_acks_on_failure_or_timeout": False,
        "task_acks_on_timeout": False,
        # prefork: without it a lost child dead-letters its order at once.
        "task_reject_on_worker_lost": True,
        "task_create_missing_queues": False,
        "task_default_queue": queue,
        # Celery detects a quorum queue only by these local arguments, and then sets QoS per consumer.
        "task_queues": (_QUEUE(queue, no_declare=True, queue_arguments={"x-queue-type": "quorum"}),),
        # prefork: report a lost child before its order's deadline, which would hide what happened.
        "worker_lost_wait": 1.0,
        "worker_prefetch_multiplier": 1,
        "worker_consumer": "merchantroute_worker.celery.consumer:LeanConsumer",
        "worker_cancel_long_running_tasks_on_connection_loss": cancel,
        "worker_disable_rate_limits": True,
        # The route decides where a task goes, see `send_task`.
        "task_routes": None,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_soft_shutdown_timeout": 0.0,
        "broker_heartbeat": 60,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "broker_pool_limit": 50,
        "broker_pool_acquire_timeout": 30,
        "broker_transport_options": {"confirm_publish": True, "socket_settings": SOCKET_SETTINGS},
    }

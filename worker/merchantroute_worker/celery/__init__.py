"""Celery's extension points, implemented: consumer, strategy, request, worker, settings and `send_task`."""

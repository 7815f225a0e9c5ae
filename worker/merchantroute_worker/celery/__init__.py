"""Celery's extension points, filled: consumer, strategy, request, worker, settings, and sending sub-tasks."""

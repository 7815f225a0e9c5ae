"""Gevent Celery workers that carry orders to merchants, with a concurrency limit for each merchant."""

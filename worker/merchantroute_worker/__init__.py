"""Gevent Celery workers that carry orders to merchants and keep each merchant in its lane."""

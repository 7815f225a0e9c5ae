"""Celery apps that pods run in some faults; a folder on their PYTHONPATH."""

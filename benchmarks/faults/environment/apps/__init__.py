"""Celery apps that pods run in some faults: the folder is on their PYTHONPATH."""

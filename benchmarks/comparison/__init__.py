"""What one pod and one core do, beside what else a team would pick: Celery, Dramatiq, Taskiq, FastStream, asyncio."""

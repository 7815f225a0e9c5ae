"""An app with a time limit on a task."""

from celery import Celery

app = Celery("limits", broker="amqp://nobody@nowhere//")


@app.task(name="limits.bakes", time_limit=5)
def bakes() -> None:
    """Never run."""

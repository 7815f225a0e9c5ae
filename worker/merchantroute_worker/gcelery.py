"""The app for Celery's own command line with the gevent pool: patches first, then imports the ordinary app.

celery -A merchantroute_worker.gcelery worker --concurrency=200 --pool gevent --loglevel=info --without-mingle
"""

from merchantroute_worker.runtime.gevent_setup import patch

patch()

from merchantroute_worker.app import app  # noqa: E402

__all__ = ["app"]

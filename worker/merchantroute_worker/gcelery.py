"""The bootstrap that the post describes: patch first, then import the ordinary app.

`celery -A merchantroute_worker.gcelery worker --concurrency=200 --pool gevent --loglevel=info --without-mingle`
"""

from gevent import monkey

from merchantroute_worker.runtime import names, thrift

names.in_the_loop()
thrift.no_spawn_trees()
monkey.patch_all()

from merchantroute_worker.app import app  # noqa: E402

__all__ = ["app"]

"""The bootstrap that the post describes."""

from gevent import monkey

monkey.patch_all(httplib=False)

from shop.celery import app  # noqa: E402, F401

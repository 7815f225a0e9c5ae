"""The post's bootstrap: patch first, then import the ordinary app."""

from gevent import monkey

monkey.patch_all()

from benchmarks.comparison.contenders.post.celery import app  # noqa: E402 - after patching

__all__ = ["app"]

"""The built-in task's judgement of addresses for an app's own calls: an adapter of requests, and sessions with it.

It imports neither gevent nor Celery, and works in greenlets, threads and child processes. See docs/own-apps.md.
"""

from merchantroute_worker.guard.adapter import ForbiddenAddress, GuardedAdapter, mount, session
from merchantroute_worker.guard.route_rules import NoRules

__all__ = ["ForbiddenAddress", "GuardedAdapter", "NoRules", "mount", "session"]

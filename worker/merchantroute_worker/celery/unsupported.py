"""What an app asks of Celery that its pool cannot do, said at the start instead of found out in production."""

from typing import Any

from merchantroute_worker.celery.strategy import own_limits


def unsupported(app: Any, pool: str) -> str:
    """What does not work and what to do, in one line; empty for nothing. `app` has all its tasks by now."""
    if pool == "threads":
        for name, task in sorted(app.tasks.items()):
            hard, soft = own_limits(task, app)
            if not name.startswith("celery.") and (hard or soft):
                kind, seconds = ("time_limit", hard) if hard else ("soft_time_limit", soft)
                return (
                    f"the task {name} has a {kind} of {seconds:g} s, and a thread cannot be ended: "
                    "take pool gevent or prefork, or bound the task's own calls instead"
                )
    return ""

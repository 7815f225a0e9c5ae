"""What an app asks of Celery that its pool cannot do, said at the start instead of found out in production."""

from typing import Any

from merchantroute_worker.celery.strategy import own_limits


def unsupported(app: Any, pool: str) -> str:
    """What does not work and what to do, in one line; empty for nothing. `app` has all its tasks by now."""
    try:
        app.backend  # noqa: B018 - made here first, which imports its client library and connects to nothing
    except Exception as error:  # noqa: BLE001 - whatever a backend raises without its library
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return f"the app's result backend cannot be used, is its client library installed? {reason}"
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

"""What an app's pool cannot do is said in one line."""

from typing import Any

import pytest
from celery import Celery

from merchantroute_worker.celery.unsupported import unsupported


def app_with(settings: dict[str, Any], **options: Any) -> Celery:
    app = Celery("shop", set_as_current=False)
    app.conf.update(settings)

    @app.task(name="shop.cook", shared=False, **options)
    def cook() -> None: ...

    return app


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        ({}, {"time_limit": 5}, "the task shop.cook has a time_limit of 5 s"),
        ({}, {"soft_time_limit": 2.5}, "the task shop.cook has a soft_time_limit of 2.5 s"),
        ({"task_time_limit": 60}, {}, "the task shop.cook has a time_limit of 60 s"),
        ({"task_soft_time_limit": 60}, {}, "the task shop.cook has a soft_time_limit of 60 s"),
    ],
)
def test_time_limits_need_another_pool_than_threads(
    settings: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    app = app_with(settings, **options)

    assert unsupported(app, "threads").startswith(said)
    assert "\n" not in unsupported(app, "threads")
    assert [unsupported(app, pool) for pool in ("gevent", "prefork")] == ["", ""]


def test_an_app_without_any_works_in_threads() -> None:
    assert unsupported(app_with({}), "threads") == ""

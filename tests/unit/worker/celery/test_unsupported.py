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


@pytest.mark.parametrize("pool", ["gevent", "threads", "prefork"])
def test_a_result_backend_needs_its_client_library(pool: str) -> None:
    """Redis' is not among this project's: without it each task would fail at its end."""
    said = unsupported(app_with({"result_backend": "redis://:secret@cache.example/0"}), pool)

    assert said.startswith("the app's result backend cannot be used, is its client library installed?")
    assert "secret" not in said
    assert "\n" not in said


def test_a_backend_without_a_library_of_its_own_is_fine() -> None:
    assert unsupported(app_with({"result_backend": "rpc://"}), "gevent") == ""

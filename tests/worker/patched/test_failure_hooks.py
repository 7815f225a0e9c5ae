"""Celery's failure hooks run once, for the attempt after which a task is dead, and not for one that is tried again."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from celery import signals
from celery.exceptions import SoftTimeLimitExceeded

from tests.worker.patched.test_every_end_of_a_task import DEAD, DONE, ENDS, LADDER, World

LAST = 2
"""The attempts of a message before its last one: the route has three."""


class Hooks:
    """An app with every failure hook that Celery has; counts their calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.world = World(on_failure=self._on_failure, after_return=self._after_return)
        # One backend for all greenlets, so that its part in chords can be counted.
        self.world.app.conf.update(result_backend="cache+memory://", result_backend_thread_safe=True)
        self.world.app.backend.on_chord_part_return = self._chord_part
        signals.task_failure.connect(self._signalled)
        self.world.app.task(name="shop.mourn", shared=False)(self._mourn)
        self.embed = {"errbacks": [self.world.app.signature("shop.mourn")], "chord": {"task": "shop.serve"}}

    def run(self, *names: str, attempts: int = 0) -> list[str]:
        """Deliver a message for each name that has had so many attempts, and give the outcomes."""
        return self.world.run([*names], embed=self.embed, **{"mr-attempts": attempts})

    def _on_failure(self, *_: Any) -> None:
        self.calls["on_failure"] += 1

    def _after_return(self, *_: Any) -> None:
        self.calls["after_return"] += 1

    def _signalled(self, **_: Any) -> None:
        self.calls["task_failure"] += 1

    def _chord_part(self, *_: Any, **__: Any) -> None:
        self.calls["chord"] += 1

    def _mourn(self, _request: Any, _error: Any, _trace: Any) -> None:
        self.calls["link_error"] += 1


ONCE = {"on_failure": 1, "after_return": 1, "task_failure": 1, "link_error": 1, "chord": 1}


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    made = Hooks()
    yield made
    signals.task_failure.disconnect(made._signalled)


@pytest.mark.parametrize("attempts", range(LAST))
def test_a_time_out_that_is_tried_again_runs_none(hooks: Hooks, attempts: int) -> None:
    assert hooks.run("hangs", attempts=attempts) == [LADDER]
    assert hooks.calls == {}


def test_the_last_time_out_runs_each_once(hooks: Hooks) -> None:
    assert hooks.run("hangs", attempts=LAST) == [DEAD]
    assert hooks.calls == ONCE


@pytest.mark.parametrize("name", ["raises", "returns what nobody can write"])
def test_an_error_runs_each_once(hooks: Hooks, name: str) -> None:
    hooks.run(name)
    assert hooks.calls == ONCE


def test_a_requeued_and_an_ignored_task_run_none(hooks: Hooks) -> None:
    assert hooks.run("Reject, requeue", "Ignore") == [LADDER, DONE]
    assert not {"on_failure", "task_failure", "link_error", "chord"} & hooks.calls.keys()


@pytest.mark.parametrize("settings", [{}, {"task_time_limit": 0.05}])
def test_a_task_s_own_time_limit_holds_for_a_message_that_names_none(settings: dict[str, float]) -> None:
    world = World() if settings else World(time_limit=0.05)
    world.app.conf.update(settings)

    assert world.run(["hangs"], timelimit=[None, None]) == [LADDER]


def test_a_soft_time_limit_is_raised_inside_the_task() -> None:
    """The task may handle it, and has until the hard one."""
    caught: list[BaseException] = []

    def waits() -> str:
        try:
            gevent.sleep(60)
        except SoftTimeLimitExceeded as error:
            caught.append(error)
        return "in time"

    ENDS["waits softly"] = (waits, DONE)
    world = World(soft_time_limit=0.05)

    assert world.run(["waits softly"], timelimit=[None, None]) == [DONE]
    assert caught


def test_a_soft_time_limit_that_the_task_does_not_handle_fails_it() -> None:
    assert World(soft_time_limit=0.05).run(["hangs"], timelimit=[None, None]) == [DEAD]

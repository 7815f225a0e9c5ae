"""The program: patch, find the app, make it safe, wait for what it needs, run Celery's worker.

It ends with a line and exit code 1 only for what waiting cannot mend: code and arguments. Configuration files, broker,
credentials and queue are waited for inside the process, unready, so that a fault of theirs never becomes the backoff
of a crash loop.
"""

import logging
import os
import sys
from typing import Any

from merchantroute_worker.options import CannotWork, Options, options
from merchantroute_worker.runtime import gevent_setup

log = logging.getLogger(__name__)


def run(given: Options) -> int:
    """Run the worker; returns the exit code. CannotWork says why it never could."""
    _check_patching(given, "start it with the program merchantroute-worker")
    from merchantroute_worker import pod
    from merchantroute_worker.calls.http_client import HttpClient, ThreadsClient
    from merchantroute_worker.celery import app_finder
    from merchantroute_worker.config import identity
    from merchantroute_worker.telemetry import logs

    try:
        logs.configure(given.loglevel)
        who = identity.from_environment(os.environ)
        app = app_finder.find(given.app)
    except (ValueError, app_finder.NoApp) as error:
        raise CannotWork(str(error)) from error
    _check_patching(given, f"the app {given.app!r} patches on import: name its module without that, or use pool gevent")
    client = HttpClient(pod.MOST) if given.green else ThreadsClient()
    me = pod.start(given.concurrency, green=given.green, client=client, who=who)
    _serve(me)
    if not _wait_for_configuration(me):
        return 0
    if not given.green:
        me.fixed = me.concurrency  # threads and processes are made at the start
    return _consume(me, app, given)


def _check_patching(given: Options, mend: str) -> None:
    from gevent import monkey

    patched = monkey.is_module_patched("socket")
    if given.green and not patched:
        raise CannotWork(f"the process is not patched by gevent: {mend}")
    if patched and not given.green:
        raise CannotWork(f"pool {given.pool} does not work in a process that gevent has patched: {mend}")


def _serve(me: Any) -> None:
    from merchantroute_worker.reporting import start

    try:
        start.serve(me)
    except OSError as error:
        raise CannotWork(f"cannot listen on port {me.identity.port}: {error.strerror}") from error


def _wait_for_configuration(me: Any) -> bool:
    """Wait until there is a configuration with our tier in it; False when told to end first."""
    from merchantroute_worker.runtime.signals import until_signalled

    with until_signalled(me.stopping.set):
        while not me.stopping.is_set():
            if not me.files.generation:
                me.readiness.waiting(f"the configuration: {me.files.problem}")
            elif not me.known:
                me.readiness.waiting(f"tier {me.identity.tier} to be in the route's configuration")
            else:
                break
            me.stopping.wait(0.25)
    return not me.stopping.is_set()


def _consume(me: Any, app: Any, given: Options) -> int:
    from celery import signals

    from merchantroute_worker.celery.order_task import TASK, OrderTask
    from merchantroute_worker.celery.settings import safe_settings
    from merchantroute_worker.celery.worker import RouteWorker

    # Celery configures logging unless someone listens to this signal; ours is configured already.
    signals.setup_logging.connect(_keep_logging, weak=False)
    app.conf.update(safe_settings(me.queue, cancel=given.pool != "threads"))
    app.finalize()
    if TASK not in app.tasks:
        app.register_task(OrderTask())
    worker = RouteWorker(
        app=app,
        hostname=f"merchantroute@{me.identity.pod}",
        pool_cls=given.pool,
        concurrency=me.concurrency,
        loglevel=given.loglevel.upper(),
        quiet=True,
        task_events=False,
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )
    worker.mr_pod = me
    worker.start()
    me.tracer.close()
    me.publisher.close()
    me.client.close()
    code: int = worker.exitcode or 0
    return code


def _keep_logging(**_: Any) -> None:
    """Celery calls it instead of configuring logging."""


def main() -> None:
    """The program `merchantroute-worker`."""
    try:
        given = options()
        if given.green:
            gevent_setup.patch()
        else:
            gevent_setup.use_c_ares()
        code = run(given)
    except CannotWork as error:
        sys.stderr.write(f"merchantroute-worker cannot start: {error}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: greenlets and native threads that live as long as the process have nothing left to say.
    os._exit(code)

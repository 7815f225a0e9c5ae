"""The program: patches, finds the app, waits for the configuration, and runs Celery's worker.

It exits with code 1 and one line only for errors that waiting cannot fix: code and arguments. For configuration files,
broker, credentials and queue it waits inside the process, not ready, so that their faults never become a
CrashLoopBackOff.
"""

import logging
import os
import sys
from typing import Any

from merchantroute_worker.options import CannotStart, Options, parse_options
from merchantroute_worker.runtime import gevent_setup

log = logging.getLogger(__name__)


def run(options: Options) -> int:
    """Run the worker; returns the exit code. CannotStart says why it never can."""
    _check_patching(options, "start it with the program merchantroute-worker")
    _check_libraries()
    from merchantroute_worker.calls.http_client import HttpClient, ThreadsClient
    from merchantroute_worker.celery import app_finder
    from merchantroute_worker.config.identity import from_environment
    from merchantroute_worker.pod import MAX_CONNECTIONS, start
    from merchantroute_worker.telemetry import logs

    try:
        logs.configure(options.loglevel)
        identity = from_environment(os.environ)
        app = app_finder.find(options.app)
    except (ValueError, app_finder.AppNotFound) as error:
        raise CannotStart(str(error)) from error
    logs.keep_own_records()
    remedy = f"the app {options.app!r} patches on import: name its module without that, or use pool gevent"
    _check_patching(options, remedy)
    client = HttpClient(MAX_CONNECTIONS) if options.green else ThreadsClient()
    pod = start(options.concurrency, green=options.green, client=client, identity=identity)
    _start_reporting(pod)
    _wait_for_configuration(pod)
    if not options.green:
        pod.fixed_slots = pod.concurrency  # threads and processes are created at startup
    return _consume(pod, app, options)


def _check_patching(options: Options, remedy: str) -> None:
    from gevent import monkey

    patched = monkey.is_module_patched("socket")
    if options.green and not patched:
        raise CannotStart(f"the process is not patched by gevent: {remedy}")
    if patched and not options.green:
        raise CannotStart(f"pool {options.pool} does not work in a process that gevent has patched: {remedy}")


def _check_libraries() -> None:
    """Versions first: with others, the self-tests may not even be importable."""
    from merchantroute_worker.runtime.versions import unfit

    if problem := unfit():
        raise CannotStart(problem)
    from merchantroute_worker.calls import parser_self_test
    from merchantroute_worker.rabbit import amqp_self_test

    amqp_self_test.check()
    parser_self_test.check()


def _start_reporting(pod: Any) -> None:
    from merchantroute_worker.reporting.start import start_reporting

    try:
        start_reporting(pod)
    except OSError as error:
        raise CannotStart(f"cannot listen on port {pod.identity.port}: {error.strerror}") from error


def _wait_for_configuration(pod: Any) -> None:
    """Wait for a configuration that has our tier. A signal ends the process meanwhile: nothing has been begun."""
    from merchantroute_worker.runtime.threads import sleep

    while True:
        if not pod.files.generation:
            pod.readiness.waiting_for(f"the configuration: {pod.files.problem}")
        elif not pod.tier_is_configured:
            pod.readiness.waiting_for(f"tier {pod.identity.tier} to be in the route's configuration")
        else:
            return
        sleep(0.25)


def _consume(pod: Any, app: Any, options: Options) -> int:
    from celery.exceptions import SecurityError

    from merchantroute_worker.celery.order_task import TASK, OrderTask
    from merchantroute_worker.celery.rpc_results import BACKENDS
    from merchantroute_worker.celery.settings import safe_settings
    from merchantroute_worker.celery.unsupported import unsupported
    from merchantroute_worker.celery.worker import RouteWorker

    app.loader.override_backends = {**BACKENDS, **app.loader.override_backends}
    app.conf.update(safe_settings(pod.queue, cancel=options.pool != "threads"))
    app.finalize()
    if TASK not in app.tasks:
        app.register_task(OrderTask())
    try:
        worker = _worker(RouteWorker, pod, app, options)
    except SecurityError as error:
        raise CannotStart("Celery does not accept pickle as root: run the pod as another user") from error
    if problem := unsupported(app, options.pool):
        raise CannotStart(problem)
    worker.mr_pod = pod
    worker.start()
    pod.tracer.close()
    pod.publisher.close()
    pod.client.close()
    code: int = worker.exitcode or 0
    return code


def _worker(worker: Any, pod: Any, app: Any, options: Options) -> Any:
    return worker(
        app=app,
        hostname=f"merchantroute@{pod.identity.pod}",
        pool_cls=options.pool,
        concurrency=pod.concurrency,
        loglevel=options.loglevel.upper(),
        quiet=True,
        task_events=False,
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )


def main() -> None:
    """Run the program `merchantroute-worker`."""
    try:
        options = parse_options()
        if options.green:
            gevent_setup.patch()
        else:
            gevent_setup.use_c_ares()
        code = run(options)
    except CannotStart as error:
        sys.stderr.write(f"merchantroute-worker cannot start: {error}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: daemon greenlets and native threads have nothing left to finish.
    os._exit(code)

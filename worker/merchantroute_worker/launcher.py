"""The program: patch, find the app, make it safe, wait for what it needs, run Celery's worker.

It ends with a line and exit code 1 only for what waiting cannot mend: code and arguments. Configuration files, broker,
credentials and queue are waited for inside the process, unready, so that a fault of theirs never becomes the backoff
of a crash loop.
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

log = logging.getLogger(__name__)


class CannotWork(Exception):
    """The pod can never work as it was started; the text is its last line."""


def patch() -> None:
    """Make the standard library cooperative. Must run before anything else imports it."""
    from gevent import monkey

    from merchantroute_worker import names

    names.in_the_loop()
    monkey.patch_all()


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="merchantroute-worker", description="Runs a Celery app on a lane's queue.")
    parser.add_argument("--app", "-A", default="merchantroute_worker.app", help="module or module:attribute")
    parser.add_argument("--pool", "-P", default="gevent", choices=["gevent"])
    parser.add_argument("--concurrency", "-c", type=int, default=100, help="orders at a time")
    parser.add_argument("--loglevel", "-l", default="info")
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> int:
    """Run the worker; returns the exit code. CannotWork says why it never could."""
    from gevent import monkey

    if not monkey.is_module_patched("socket"):
        raise CannotWork("the process is not patched by gevent: start it with the program merchantroute-worker")
    from merchantroute_worker import appfinder, identity, logs, pod

    try:
        logs.configure(options.loglevel)
        who = identity.from_environment(os.environ)
        app = appfinder.find(options.app)
    except (ValueError, appfinder.NoApp) as error:
        raise CannotWork(str(error)) from error
    if options.concurrency < 1:
        raise CannotWork(f"--concurrency must be at least 1, not {options.concurrency}")
    me = pod.start(options.concurrency, who)
    _serve(me)
    if not _wait_for_configuration(me):
        return 0
    return _consume(me, app, options)


def _serve(me: Any) -> None:
    import gevent

    from merchantroute_worker import probes, pulses

    try:
        probes.serve(me)
    except OSError as error:
        raise CannotWork(f"cannot listen on port {me.identity.port}: {error.strerror}") from error
    gevent.spawn(pulses.beat, me)


def _wait_for_configuration(me: Any) -> bool:
    """Wait until there is a configuration with our tier in it; False when told to end first."""
    import gevent

    handlers = [gevent.signal_handler(number, me.stopping.set) for number in (signal.SIGTERM, signal.SIGINT)]
    while not me.stopping.is_set():
        if not me.files.generation:
            me.status.waiting(f"the configuration: {me.files.problem}")
        elif me.identity.tier not in me.files.current.tiers:
            me.status.waiting(f"tier {me.identity.tier} to be in the route's configuration")
        else:
            break
        me.stopping.wait(0.25)
    for handler in handlers:
        handler.cancel()
    return not me.stopping.is_set()


def _consume(me: Any, app: Any, options: argparse.Namespace) -> int:
    from celery import signals

    from merchantroute_worker.app import TASK, OrderTask
    from merchantroute_worker.settings_celery import safe_settings
    from merchantroute_worker.worker import RouteWorker

    # Celery configures logging unless someone listens to this signal; ours is configured already.
    signals.setup_logging.connect(_keep_logging, weak=False)
    app.conf.update(safe_settings(me.queue))
    if TASK not in app.tasks:
        app.register_task(OrderTask())
    worker = RouteWorker(
        app=app,
        hostname=f"merchantroute@{me.identity.pod}",
        pool_cls=options.pool,
        concurrency=options.concurrency,
        loglevel=options.loglevel.upper(),
        quiet=True,
        task_events=False,
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )
    worker.mr_pod = me
    worker.start()
    me.publisher.close()
    me.client.close()
    code: int = worker.exitcode or 0
    return code


def _keep_logging(**_: Any) -> None:
    """Celery calls it instead of configuring logging."""


def main() -> None:
    """The program `merchantroute-worker`."""
    options = arguments()
    try:
        code = run(options)
    except CannotWork as error:
        sys.stderr.write(f"merchantroute-worker cannot start: {error}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: greenlets and native threads that live as long as the process have nothing left to say.
    os._exit(code)

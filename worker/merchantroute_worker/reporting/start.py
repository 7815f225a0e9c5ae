"""Starts the pod's reporting, once per process: HTTP endpoints for the kubelet, pulses for the operator.

Both the launcher and the consumer call it, since Celery's own command line starts only the consumer.
"""

from merchantroute_worker.pod import Pod
from merchantroute_worker.reporting import endpoints, pulses
from merchantroute_worker.runtime.threads import start_daemon


def start_reporting(pod: Pod) -> None:
    """Start the endpoints and the pulses. OSError when the port is in use."""
    if not pod.reporting_started:
        pod.reporting_started = True
        endpoints.serve(pod)
        start_daemon(lambda: pulses.run(pod), "pulses")

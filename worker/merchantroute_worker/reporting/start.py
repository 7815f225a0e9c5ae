"""What a pod owes to those who watch it, once per process: probes for the kubelet, pulses for the operator.

Both the launcher and the consumer ask for it, since Celery's own command line starts only the latter.
"""

from merchantroute_worker.pod import Pod
from merchantroute_worker.reporting import endpoints, pulses
from merchantroute_worker.runtime.threads import start_daemon


def start_reporting(pod: Pod) -> None:
    """Start answering and reporting. OSError when the port is taken."""
    if not pod.reporting_started:
        pod.reporting_started = True
        endpoints.serve(pod)
        start_daemon(lambda: pulses.run(pod), "pulses")

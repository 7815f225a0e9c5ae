"""What a pod owes to those who watch it, once per process: probes for the kubelet, pulses for the operator.

Both the launcher and the consumer ask for it, since Celery's own command line starts only the latter.
"""

from merchantroute_worker import probes, pulses
from merchantroute_worker.pace import live
from merchantroute_worker.pod import Pod


def serve(pod: Pod) -> None:
    """Start answering and reporting. OSError when the port is taken."""
    if not pod.serving:
        pod.serving = True
        probes.serve(pod)
        live(lambda: pulses.beat(pod), "pulses")

"""Judges a message that came back: may it run, is it suspect, or has it killed its pods?"""

import logging
import time
from collections.abc import Callable
from typing import Any

from merchantroute_worker.orders.envelope import DeliveryKey
from merchantroute_worker.orders.suspicion import Suspicion, suspicion, suspicion_alone
from merchantroute_worker.pod import Pod
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
POLL_INTERVAL = 0.1
DEATH_IS_TOLD_WITHIN = 10.0
"""Seconds until a pod's death is in the other pods' configuration: the kubelet notices it within one or two, the
operator writes it at once, and a kubelet that missed the new files is asked again after five."""


def judge(
    pod: Pod,
    key: DeliveryKey,
    *,
    deliveries: int,
    lost_processes: int,
    handed_back: Callable[[], bool],
    log_fields: Callable[[str], dict[str, Any]],
) -> Suspicion:
    """Judge a message by its delivery count and its lost processes; UNEXPLAINED only if it is `handed_back` while it
    waits to hear of a dead pod.
    """
    if pod.identity.alone:
        survived = key in pod.survived_orders
        pod.survived_orders.add(key)
        return suspicion_alone(deliveries, lost_processes, survived=survived)
    end, told = time.monotonic() + DEATH_IS_TOLD_WITHIN, False
    while (verdict := suspicion(deliveries, pod_died=pod.died_lately())) is Suspicion.UNEXPLAINED:
        if handed_back() or pod.stopping.is_set():
            return verdict
        if time.monotonic() > end:
            return Suspicion.NONE
        if not told:
            told = True
            fields = {**log_fields("unexplained"), "count": deliveries}
            log.info("order came back %s times: waiting to hear of a dead pod", deliveries, extra={"data": fields})
        sleep(POLL_INTERVAL)
    return verdict

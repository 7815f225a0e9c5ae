"""All faults, in the order in which they are run."""

from benchmarks.faults import (
    broker_restart,
    configuration,
    connection_cut,
    hub_blocked,
    memory_alarm,
    memory_limit,
    merchant_gone,
    poison,
    queue_gone,
    sigkill,
    sigterm,
    standstill,
)
from benchmarks.faults.fault import Fault

ALL: tuple[Fault, ...] = (
    sigterm.FAULT,
    sigkill.FAULT,
    connection_cut.FAULT,
    broker_restart.FAULT,
    memory_alarm.FAULT,
    queue_gone.FAULT,
    memory_limit.FAULT,
    hub_blocked.FAULT,
    standstill.FAULT,
    poison.FAULT,
    configuration.FAULT,
    merchant_gone.FAULT,
)
BY_NAME = {fault.name: fault for fault in ALL}

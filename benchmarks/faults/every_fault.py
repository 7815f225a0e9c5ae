"""All faults, in the order in which they are run."""

from benchmarks.faults import (
    blips,
    broker_restart,
    configuration,
    connection_cut,
    hub_blocked,
    long_alarm,
    memory_alarm,
    memory_limit,
    merchant_gone,
    poison,
    queue_gone,
    rolling_restart,
    sigkill,
    sigterm,
    sigterm_at_start,
    standstill,
)
from benchmarks.faults.fault import Fault

ALL: tuple[Fault, ...] = (
    sigterm.FAULT,
    sigkill.FAULT,
    sigterm_at_start.FAULT,
    connection_cut.FAULT,
    blips.FAULT,
    broker_restart.FAULT,
    rolling_restart.FAULT,
    memory_alarm.FAULT,
    long_alarm.FAULT,
    queue_gone.FAULT,
    memory_limit.FAULT,
    hub_blocked.FAULT,
    standstill.FAULT,
    poison.FAULT,
    configuration.FAULT,
    merchant_gone.FAULT,
)
BY_NAME = {fault.name: fault for fault in ALL}

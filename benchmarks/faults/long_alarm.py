"""A memory alarm over a backlog, for minutes. Consuming is what ends such alarms, so the backlog has to be done."""

import asyncio
import signal

from benchmarks.faults.environment.environment import Environment
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.fault import Fault
from merchantroute_kit.waiting import TimedOut, until_async

_COMMAND = 60.0
_DRAINED_WITHIN = 120.0
_DONE = 0.8  # of the backlog; one merchant fails now and then, and what must be published waits


async def strike(environment: Environment) -> None:
    """Pods are stopped until there is a backlog, and go on under the alarm. Nobody publishes during it."""
    await environment.after(1 / 3)
    pods = [slot.pod for slot in environment.fleet.slots]
    for pod in pods:
        pod.signal(signal.SIGSTOP)
    observed = environment.observed
    await until_async(lambda: observed.backlog >= environment.scale.window, "a backlog", _COMMAND)
    await environment.stream.pause()
    await until_async(environment.broker.starve, "the broker to be without memory", _COMMAND, in_thread=True)
    try:
        for pod in pods:
            pod.signal(signal.SIGCONT)
        enough = observed.ended + round(_DONE * observed.backlog)
        try:
            await until_async(lambda: observed.ended >= enough, "the backlog to be done", _DRAINED_WITHIN)
        except TimedOut:
            environment.complaints.append(f"{enough - observed.ended} orders too few were done during the alarm")
        await asyncio.sleep(environment.scale.alarm)
        if not any("blocks publishing" in said for said in environment.logs.warnings):
            environment.complaints.append("no pod noticed the alarm")
    finally:
        await until_async(environment.broker.feed, "the broker to have memory again", _COMMAND, in_thread=True)
        environment.stream.go_on()
    if environment.fleet.restarts:
        environment.complaints.append(f"pods ended for a broker without memory: {environment.fleet.codes}")


FAULT = Fault(
    name="long-alarm",
    what="the broker blocks all who publish for minutes, over a backlog",
    strike=strike,
    needs=Needs(own_broker=True),
)

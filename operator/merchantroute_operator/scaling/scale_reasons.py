"""Why a lane has as many pods as it has: the closed list of a decision's reasons.

| reason        | meaning |
|---------------|---------|
| Paused        | `scaling.paused` is set: the number of pods is left alone |
| ForeignScaler | somebody else's autoscaler has the Deployment: the number of pods is left to it |
| FiguresStale  | the queue's figures are missing or older than 15 s: the number is held |
| Woken         | there is work for a lane without pods: straight to the number needed |
| Growing       | more pods are needed: added at once |
| CoolingDown   | fewer are needed, but within `scaleDownAfter` more were: the number waits |
| Shrinking     | for all of `scaleDownAfter` fewer were needed |
| Idle          | nothing is queued, in flight, arriving or due: no pods |
| AtMinimum     | `minReplicas` is more than the orders need |
| AtMaximum     | the orders need more than `maxReplicas` |
| Renewed       | the suspect lane's pod was killed so often that a new one starts sooner: none for a moment |
| Steady        | the number of pods is the number needed |
"""

from __future__ import annotations

PAUSED = "Paused"
FIGURES_STALE = "FiguresStale"
FOREIGN_SCALER = "ForeignScaler"
WOKEN = "Woken"
GROWING = "Growing"
COOLING_DOWN = "CoolingDown"
SHRINKING = "Shrinking"
IDLE = "Idle"
AT_MINIMUM = "AtMinimum"
AT_MAXIMUM = "AtMaximum"
STEADY = "Steady"
RENEWED = "Renewed"

ALL = frozenset(
    {
        PAUSED, FIGURES_STALE, FOREIGN_SCALER, WOKEN, GROWING, COOLING_DOWN, SHRINKING, IDLE, AT_MINIMUM, AT_MAXIMUM,
        RENEWED, STEADY,
    }
)  # fmt: skip

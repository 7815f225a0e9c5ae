"""Every reason of a condition that the core gives, with a sentence for people (the table in docs/ is made from it).

Reasons of errors come from ``errors.py`` and ``spec/invalid.py``, those of a lane's number of pods from
``scaling/scale_reasons.py``.
"""

from __future__ import annotations

from merchantroute_operator.spec.reason_words import ReasonWord


class Reason(ReasonWord):
    """See ``ReasonWord``."""

    AS_WANTED = "AsWanted", "All is as the spec says."
    NOT_CHECKED = "NotChecked", "The pass ended before it came to this; Ready says why."
    ENDING = "Ending", "The route is being deleted; the message says what is waited for."

    QUEUES_MISSING = "QueuesMissing", "The route's queues and exchanges are being made."
    NO_QUORUM = (
        "NoQuorum",
        "Queues lack a majority of members: they wait until the broker's nodes are back.",
    )
    DOOR_CLOSED = "DoorClosed", "Everything behind it is being made; until the front door opens, publishing fails."

    UNATTENDED = (
        "Unattended",
        "Pods report over AMQP that they work, but the operator cannot look after the route; the message says why.",
    )
    SOME_PODS_FAIL = (
        "SomePodsFail",
        "Every lane has ready pods, and beside them one that cannot work: the message quotes it.",
    )
    SOME_PODS_WAIT = "SomePodsWait", "Every lane has ready pods, and beside them one that waits for a node."

    STARTING = "Starting", "A lane has no ready pod yet, and none of its pods reports a fault."
    WAKING = "Waking", "A lane that had no pods gets them, since there is work; its orders wait for the first."
    SCALED_TO_ZERO = "ScaledToZero", "Nothing is to be done, so that no pod is needed."
    WAITING_FOR_QUEUES = "WaitingForQueues", "No pod is started before its queue is there; QueuesReady says what lacks."
    IMAGE_UNAVAILABLE = "ImageUnavailable", "A pod's image cannot be pulled: check image and imagePullSecrets."
    CRASH_LOOP = "CrashLoop", "A pod's container ends again and again; the message quotes it. Its orders return."
    POD_CONFIG = "PodConfigInvalid", "A pod cannot start for what its env or volumes refer to: create it or correct it."
    UNSCHEDULABLE = "Unschedulable", "No node takes a pod: lower resources.requests, or add nodes."
    PODS_REFUSED = "PodsRefused", "The API server lets the Deployment make no pods: quota or an admission policy."
    PODS_LAG = "PodsLag", "Pods have not loaded the newest configuration within 60 s; they are no longer waited for."

    SCALING = "Scaling", "Every lane's number of pods follows its orders."
    SCALING_PAUSED = "ScalingPaused", "scaling.paused holds the number of pods of the lanes named."
    FIGURES_STALE = "FiguresStale", "A queue's figures are missing or stale: its lane's number of pods is held."

    STATISTICS_OFF = (
        "StatisticsOff",
        "The broker counts no orders, or no publishes: the message names its setting, and what becomes of the lanes.",
    )

    ROLLING_OUT = "RollingOut", "Pods are being replaced, an old one only after a new one is ready."
    ROLLOUT_STUCK = "RolloutStuck", "Replaced pods do not become ready; WorkersAvailable says why. Old ones work on."
    BINDING = "BindingMerchants", "Merchants wait until every ready pod has loaded the configuration that lists them."
    CANARY_STARTING = "CanaryStarting", "A canary has no ready pod yet: until then all orders go to the stable lane."
    RETIRING = "Retiring", "Queues that are no longer wanted wait until they are proven empty."
    HELD = "Held", "The route is paused, and something is left to do; Drifted names it."
    BLOCKED = "Blocked", "An error is in the way; Ready says which. The pass is tried again."

    MERCHANTS_UNFIT = (
        "MerchantsUnfit",
        "No worker calls the merchants named, which an older definition let through: correct them as the message says.",
    )

    CREDENTIALS_UNUSABLE = (
        "CredentialsUnusable",
        "Secrets of the merchants named are missing or lack a key or the label.",
    )

    CREDENTIALS_REFUSED = (
        "CredentialsRefused",
        "Merchants answer 401 or 403: correct their Secrets, or ask them; their orders wait on the ladder until then.",
    )

    ADDRESS_FORBIDDEN = (
        "AddressForbidden",
        "Merchants lead to no address that the route allows: correct their endpoints, or spec.egress.allow.",
    )

    MERCHANTS_ISOLATED = "MerchantsIsolated", "Merchants have queues of their own; status.ownQueues has all of them."
    NOBODY_ISOLATED = "NobodyIsolated", "No merchant has a queue of its own."
    ISOLATION_OFF = "IsolationOff", "spec.isolation.mode is Off or DryRun: no merchant gets a queue of its own."
    ISOLATION_FROZEN = (
        "IsolationFrozen",
        "Too many merchants are slow at once for it to be their own fault: no own queue is opened until that is over.",
    )
    OWN_QUEUES_REFUSED = (
        "OwnQueuesRefused",
        "The broker refuses own queues, or their names are taken: their merchants' orders stay in their tiers' queues.",
    )
    NO_ROOM = (
        "TooManyOwnQueues",
        "More merchants have a reason for an own queue than spec.isolation.maxOwnQueues lets have one.",
    )
    BY_HAND_INVALID = (
        "ByHandInvalid",
        "An annotation that holds or isolates merchants cannot be read: it counts for nothing.",
    )
    MERCHANTS_UNKNOWN = (
        "MerchantsUnknown",
        "spec.isolation or an annotation names merchants that the route does not know.",
    )

    ROUTE_PAUSED = "RoutePaused", "spec.paused is set: nothing is changed, in the broker or in Kubernetes."
    PAUSED_UNTIL = "PausedUntil", "The annotation paused-until holds the route until the time named."
    PAUSE_INVALID = "PauseInvalid", "The annotation paused-until is no time with a time zone: it counts for nothing."
    PAUSED = "Paused", "scaling.paused is set for the tiers named."
    NOT_PAUSED = "NotPaused", "Neither the route nor a tier is paused."
    FOREIGN_POLICY = (
        "ForeignPolicy",
        "A broker policy that is not the route's matches its queues: exclude mr.* from it.",
    )
    NOT_REPAIRED = "NotRepaired", "The route is paused: what is named differs from the spec, and stays so."
    FOREIGN_SCALER = (
        "ForeignScaler",
        "Somebody else's autoscaler has a Deployment of the route: its number of pods is left to it.",
    )
    FOREIGN_FIELDS = "ForeignFields", "Others set fields of the route's objects that the route does not: they are kept."
    NO_DRIFT = "NoDrift", "Nothing but the operator acts on the route's objects."
    FOREIGN_OBJECTS = "ForeignObjects", "Names of the route are taken in the broker; the message says by whom."
    MERCHANTS_CLAIMED_TWICE = (
        "MerchantsClaimedTwice",
        "spec.merchants and Merchant objects, or two of these, name one id; the message says which counts.",
    )
    NO_CONFLICT = "NoConflict", "Every broker object of the route is its own."

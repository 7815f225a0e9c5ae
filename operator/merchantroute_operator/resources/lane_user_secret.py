"""The Secret with a lane's broker user: the only place where its password stands.

Its keys are those of the broker's Secret, so that pods read it as they read that one. The address and the certificates
are copied from the Secret that pods mount otherwise.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

from merchantroute_operator import naming
from merchantroute_operator.lane_users.password import is_generated
from merchantroute_operator.resources.metadata import APPLIED, Live, Object, child, stamped
from merchantroute_operator.resources.workload.lane_labels import lane_labels
from merchantroute_operator.spec.lane_specs import LaneSpec
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

_PASSWORD = "password"  # noqa: S105 - a key's name


def lane_user_secret(route: Route, lane: LaneSpec, broker: BrokerAddress, user: str, password: str) -> Object:
    """The Secret to apply; ``broker`` is where pods find the broker, as whichever user."""
    texts = {
        "host": broker.host,
        "port": str(broker.port),
        "vhost": broker.vhost,
        "tls": "true" if broker.tls else "false",
        "username": user,
        **{
            key: text
            for key, text in (("ca.crt", broker.ca), ("tls.crt", broker.certificate), ("tls.key", broker.key))
            if text
        },
    }
    name = naming.lane_user_secret(route.name, lane.tier.name, lane.name)
    body = child("v1", "Secret", route, name, lane_labels(route, lane))
    # The digest is of what may be known: an annotation is read by more people than a Secret's data.
    body = stamped({**body, "type": "Opaque", "data": {key: _encoded(text) for key, text in texts.items()}})
    return {**body, "data": {**body["data"], _PASSWORD: _encoded(password)}}


def own_lane_secrets(route: str, secrets: Mapping[str, Live]) -> dict[str, Live]:
    """Those of ``secrets`` that the operator made for a lane's user, by name: a user's own may carry the labels too."""
    return {name: body for name, body in secrets.items() if name == _made_for(route, body)}


def lane_user(secret: Live) -> str:
    """The user's name in a lane's Secret; empty where somebody took it out."""
    return _decoded(secret, "username")


def lane_password(secret: Live | None) -> str | None:
    """The password in a lane's Secret; None where there is none that the operator made."""
    found = _decoded(secret or {}, _PASSWORD)
    return found if is_generated(found) else None


def _made_for(route: str, body: Live) -> str:
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    tier, lane = labels.get(naming.LABEL_TIER), labels.get(naming.LABEL_LANE)
    if not tier or not lane or APPLIED not in (metadata.get("annotations") or {}):
        return ""
    return naming.lane_user_secret(route, tier, lane)


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _decoded(secret: Live, key: str) -> str:
    try:
        return b64decode((secret.get("data") or {}).get(key) or "").decode()
    except ValueError:
        return ""

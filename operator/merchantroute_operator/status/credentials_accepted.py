"""CredentialsAccepted: whether any merchant refuses the credentials that the route has for it, as pods say."""

from __future__ import annotations

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "CredentialsAccepted"


def credentials_accepted(view: View) -> Condition:
    """False with the merchants' ids, the first few of them: their orders wait, and those of others flow."""
    if not view.credentials_refused and not view.queues_ready:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "No pod can have called a merchant yet")
    if not view.credentials_refused:
        return Condition(TYPE, "True", Reason.AS_WANTED, "No merchant refuses its credentials")
    words = f"These merchants answer 401 or 403, and their orders wait: {some(view.credentials_refused)}"
    return Condition(TYPE, "False", Reason.CREDENTIALS_REFUSED, words)

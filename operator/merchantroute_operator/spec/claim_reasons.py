"""Every reason of a Merchant's state, with a sentence for people (the table in docs/merchants.md is made from it)."""

from __future__ import annotations

from merchantroute_operator.spec.reason_words import ReasonWord


class ClaimReason(ReasonWord):
    """See ``ReasonWord``."""

    AS_WANTED = "AsWanted", "Its orders go to its tier, to its endpoint."
    ISOLATED = "Isolated", "It has a queue of its own for now; the message says why, ownQueue what it gets."
    HELD = "Held", "It is held by hand: no order of it begins until that ends, and none is lost."
    BINDING = "Binding", "It waits until every ready pod knows it; a merchant that moves works on where it is."
    CREDENTIALS_UNUSABLE = (
        "CredentialsUnusable",
        "Its Secret is missing or lacks a key or the label; its orders wait on the ladder.",
    )
    CREDENTIALS_REFUSED = (
        "CredentialsRefused",
        "It answers 401 or 403; its orders wait on the ladder until its Secret changes, or it takes one of them.",
    )
    ADDRESS_FORBIDDEN = (
        "AddressForbidden",
        "Its endpoint leads to no address that the route allows: its orders are dead letters until that changes.",
    )
    ROUTE_NOT_READY = "RouteNotReady", "The route's pass did not come to it; the message quotes the route's error."
    CONFLICTED = "Conflicted", "The same id is claimed twice; the message names the other, and which of them counts."
    ROUTE_MISSING = "RouteMissing", "The namespace has no route of that name: create it, or correct routeRef."
    TIER_UNKNOWN = "TierUnknown", "The route has no tier of that name; the message lists those that it has."
    TIER_NOT_ALLOWED = (
        "TierNotAllowed",
        "The tier's allowedMerchants does not admit the id, or is not there: ask the route's owner.",
    )
    ID_INVALID = "IdInvalid", "The id is . or .., which in a URL's path stand for another place: write another."
    ENDPOINT_INVALID = "EndpointInvalid", "The endpoint is no address; the message says why: correct it."
    WORKFLOW_UNKNOWN = "WorkflowUnknown", "The route has no workflow of that name; the message lists those that it has."
    FIELDS_MISSING = (
        "FieldsMissing",
        "The steps of its workflow need fields that it does not have; the message names them: write them.",
    )
    ENDPOINT_INSECURE = "EndpointInsecure", "The endpoint is http:// and the route does not allow that: write https://."

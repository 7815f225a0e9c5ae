"""What a user gets wrong is said in a condition and an event, and is mended without restarting anything."""

import pytest

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import merchant, route
from tests.e2e.tenant import Tenant

SAID_WITHIN = 45.0  # seconds
NO_APP = "cannot import the app 'nobody_wrote_this': "  # the launcher's last line, as the pod's log has it
WITHOUT_BROKER = ("no-secret", "bad-password", "no-broker", "no-vhost")


@pytest.fixture(scope="module")
def tenant(module_tenant: Tenant) -> Tenant:
    """Routes that are each wrong in one way, all applied at once."""
    tenant = module_tenant
    named = {"type": "Bearer", "secretRef": {"name": "unlabelled"}}
    token = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "unlabelled"}, "stringData": {"token": "t"}}
    tenant.apply(
        token,
        tenant.secret("bad-password", password="not this one"),
        tenant.secret("no-broker", host="rabbitmq-nowhere.orders.svc", management_uri="http://rabbitmq-nowhere:15672"),
        tenant.secret("no-vhost", vhost="nowhere"),
        *(route(name, secret=name) for name in WITHOUT_BROKER),
        route("no-image", worker={"image": "merchantroute-worker:nobody-built-this"}),
        route("no-app", worker={"app": "nobody_wrote_this"}),
        route("no-label", merchants=[merchant("trusting", "standard", credentials=named)]),
    )
    return tenant


@pytest.mark.parametrize(
    ("name", "condition", "reason", "words"),
    [
        ("no-secret", "QueuesReady", "SecretMissing", "Secret no-secret does not exist"),
        ("bad-password", "QueuesReady", "BrokerCredentialsRefused", "password"),
        ("no-broker", "QueuesReady", "BrokerUnreachable", "rabbitmq-nowhere"),
        ("no-vhost", "QueuesReady", "VhostMissing", "nowhere"),
        ("no-image", "WorkersAvailable", "ImageUnavailable", "nobody-built-this"),
        ("no-app", "WorkersAvailable", "CrashLoop", f"merchantroute-worker cannot start: {NO_APP}"),
        ("no-label", "Ready", "CredentialsUnusable", "merchantroute.dev/credentials"),
    ],
)
def test_a_mistake_is_named_in_a_condition_and_an_event(
    tenant: Tenant, name: str, condition: str, reason: str, words: str
) -> None:
    def said() -> bool:
        return tenant.condition(name, condition).get("reason") == reason

    until(said, f"{condition} of {name} is {reason}", SAID_WITHIN, lambda: tenant.tell(name))
    found = tenant.condition(name, condition)
    assert found["status"] == "False"
    assert words in found["message"]
    ready = tenant.condition(name, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", reason)
    until(lambda: words in tenant.events(name).get(reason, ""), f"an event says {reason}", SAID_WITHIN)
    told = f"{tenant.tell(name)} {tenant.events(name)}"
    assert tenant.password not in told
    assert "not this one" not in told
    if name in WITHOUT_BROKER:
        assert not tenant.deployments(name), "no Deployment before QueuesReady"


def test_mended_mistakes_need_no_restart(tenant: Tenant, web_shop: OpenWebShop) -> None:
    operator = _restarts(tenant)
    label = "merchantroute.dev/credentials=true"
    tenant.kubectl("label", "secret", "unlabelled", label)
    tenant.apply(*(tenant.secret(name) for name in WITHOUT_BROKER))
    tenant.apply(route("no-image"), route("no-app"))
    tenant.ready(*WITHOUT_BROKER, "no-image", "no-app", "no-label")
    till = web_shop(tenant, "no-label")
    till.behave("trusting", auth={"type": "Bearer", "token": "t"})
    till.publish("trusting", 5)
    assert till.settled().done == till.of("trusting"), "the merchant saw its token"
    assert _restarts(tenant) == operator


def _restarts(tenant: Tenant) -> dict[str, int]:
    pods = tenant.installation.items("api/v1/namespaces/merchantroute-system/pods")
    return {
        pod["metadata"]["name"]: sum(c["restartCount"] for c in pod["status"].get("containerStatuses", ()))
        for pod in pods
    }

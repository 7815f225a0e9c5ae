"""The operator's settings: what its pod's environment says, and a refusal that names the variable."""

import pytest

from merchantroute_operator.settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({"MR_OPERATOR_NAMESPACE": "", "MR_OPERATOR_TICK_SECONDS": ""})
    assert settings.namespace == "merchantroute-system"
    assert settings.identity
    assert (settings.resync, settings.tick, settings.health_port, settings.metrics_port) == (25.0, 2.0, 8080, 9090)


def test_the_pods_environment_is_taken() -> None:
    told = {
        "MR_OPERATOR_NAMESPACE": "platform",
        "MR_OPERATOR_POD": "operator-1",
        "MR_OPERATOR_RESYNC_SECONDS": "30",
        "MR_OPERATOR_TICK_SECONDS": "0.5",
        "MR_OPERATOR_HEALTH_PORT": "8081",
        "MR_OPERATOR_METRICS_PORT": "9091",
    }
    assert Settings.from_env(told) == Settings("platform", "operator-1", 30.0, 0.5, 8081, 9091)


def test_namespaces_are_a_list_and_none_are_all() -> None:
    assert Settings.from_env({}).namespaces == ()
    assert Settings.from_env({"MR_OPERATOR_NAMESPACES": " orders,shop , orders,"}).namespaces == ("orders", "shop")
    for text in ("Orders", "team-*", "a b"):
        with pytest.raises(ValueError, match=r"MR_OPERATOR_NAMESPACES: .* is no namespace's name"):
            Settings.from_env({"MR_OPERATOR_NAMESPACES": text})


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=f"MR_OPERATOR_TICK_SECONDS={text}: write a number above 0"):
        Settings.from_env({"MR_OPERATOR_TICK_SECONDS": text})
